"""A Flask application with an empty route, which measures gunicorn and Flask alone."""

from flask import Flask, request

from service.generation.stopping import Stopping


class Empty(Flask):
    """The application, with what the service's server uses of its application."""

    stopping = Stopping()

    def close(self) -> None:
        """Close nothing."""


app = Empty(__name__, static_folder=None)


@app.post("/generate")
def generate() -> bytes:
    """Read the request's body, and answer with an empty body."""
    request.get_data()
    return b""


@app.get("/readyz")
def readyz() -> bytes:
    """Answer that the application is ready."""
    return b""
