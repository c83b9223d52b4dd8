"""`GET /`: the page for people, whose parts lie in `static/page/`."""

from pathlib import Path

from flask import Blueprint, Response, send_from_directory

ROOT = Path(__file__).parent.parent / "static" / "page"


def page_routes() -> Blueprint:
    """Return the blueprint."""
    routes = Blueprint("page", __name__)

    @routes.get("/")
    def page() -> Response:
        return send_from_directory(ROOT, "index.html")

    @routes.get("/static/page/<path:name>")
    def part(name: str) -> Response:
        return send_from_directory(ROOT, name)

    return routes
