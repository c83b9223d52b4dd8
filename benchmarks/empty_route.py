"""A Flask application that does nothing: what gunicorn and Flask cost by themselves."""

from flask import Flask, request


class Empty(Flask):
    """As the service's gunicorn configuration expects it."""

    def close(self) -> None:
        """Have nothing to close."""


app = Empty(__name__, static_folder=None)


@app.post("/generate")
def generate() -> bytes:
    """Take a request's body and answer nothing."""
    request.get_data()
    return b""


@app.get("/readyz")
def readyz() -> bytes:
    """Answer that the application is there."""
    return b""
