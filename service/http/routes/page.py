"""`GET /`: the page for people, with its files from `static/page/`."""

from flask import Blueprint, Response, current_app, send_from_directory

from service.http.open_routes import open_to_everyone


def page_routes() -> Blueprint:
    """Return the blueprint of the page."""
    routes = Blueprint("page", __name__)

    @routes.get("/")
    @open_to_everyone
    def page() -> Response:
        return send_from_directory(_folder(), "index.html")

    @routes.get("/static/page/<path:name>")
    @open_to_everyone
    def part(name: str) -> Response:
        return send_from_directory(_folder(), name)

    return routes


def _folder() -> str:
    return f"{current_app.root_path}/static/page"
