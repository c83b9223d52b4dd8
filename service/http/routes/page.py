"""`GET /`: the page for people, whose parts lie in `static/page/`."""

from flask import Blueprint, Response, current_app, send_from_directory


def page_routes() -> Blueprint:
    """Return the blueprint."""
    routes = Blueprint("page", __name__)

    @routes.get("/")
    def page() -> Response:
        return send_from_directory(_folder(), "index.html")

    @routes.get("/static/page/<path:name>")
    def part(name: str) -> Response:
        return send_from_directory(_folder(), name)

    return routes


def _folder() -> str:
    return f"{current_app.root_path}/static/page"
