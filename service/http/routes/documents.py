"""`GET /openapi.json` and `/docs`: the API reference, as JSON and as a page."""

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Flask, Response, current_app, render_template, send_from_directory

from service.http.media_types import JSON
from service.http.open_routes import is_open, open_to_everyone
from service.http.openapi import Route, document
from service.http.operation import Operation, ResponseBody, documented, operation_of
from service.settings import Settings

OPENAPI = Operation("Show this document as JSON", "service", {JSON: ResponseBody()})
DOCS = Operation("Show this document as a page", "service", {"text/html": ResponseBody()})


def documents_routes(settings: Settings) -> Blueprint:
    """Return the blueprint of the API reference."""
    routes = Blueprint("documents", __name__)

    @routes.get("/openapi.json")
    @open_to_everyone
    @documented(OPENAPI)
    def openapi() -> dict[str, Any]:
        return document(_documented_routes(current_app), settings)

    @routes.get("/docs")
    @open_to_everyone
    @documented(DOCS)
    def docs() -> str:
        shown = document(_documented_routes(current_app), settings)
        return render_template("docs.html", document=shown)

    @routes.get("/docs.css")
    @open_to_everyone
    def style() -> Response:
        return send_from_directory(f"{current_app.root_path}/static", "docs.css")

    return routes


def _documented_routes(app: Flask) -> Iterator[Route]:
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        operation = operation_of(view)
        # Flask adds HEAD and OPTIONS to every route.
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if operation is not None:
            yield from (Route(rule.rule, method, operation, is_open(view)) for method in methods)
