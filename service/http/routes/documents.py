"""`GET /openapi.json` and `/docs`: what the service can be asked for, for programs and people."""

from typing import Any

from flask import Blueprint, Flask, Response, current_app, render_template, send_from_directory

from service.http.openapi import JSON, Answer, Operation, describe, document, operation_of
from service.settings import Settings

OPENAPI = Operation("This document", "service", {JSON: Answer()})
DOCS = Operation("This document as a page", "service", {"text/html": Answer()})


def documents_routes(settings: Settings) -> Blueprint:
    """Return the blueprint."""
    routes = Blueprint("documents", __name__)

    @routes.get("/openapi.json")
    @describe(OPENAPI)
    def openapi() -> dict[str, Any]:
        return described(current_app, settings)

    @routes.get("/docs")
    @describe(DOCS)
    def docs() -> str:
        return render_template("docs.html", document=described(current_app, settings))

    @routes.get("/docs.css")
    def style() -> Response:
        return send_from_directory(f"{current_app.root_path}/static", "docs.css")

    return routes


def described(app: Flask, settings: Settings) -> dict[str, Any]:
    """Return the document of all routes that say what they do."""
    routes = (
        (rule.rule, method, operation)
        for rule in app.url_map.iter_rules()
        if (operation := operation_of(app.view_functions[rule.endpoint]))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )
    return document(routes, settings)
