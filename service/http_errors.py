"""One table from error to status, and every error as problem+json (RFC 9457)."""

import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, json
from werkzeug.exceptions import HTTPException

from model_store import DamagedVersion, InvalidName, ModelNotFound, StoreError
from service import errors
from service.errors import InvalidRequest, ServiceError

log = logging.getLogger(__name__)

RETRY_AFTER = "1"  # seconds; a full queue of short texts drains in about that

STATUS: dict[type[Exception], tuple[int, str]] = {
    errors.MalformedJson: (400, "malformed_json"),
    ModelNotFound: (404, "model_not_found"),
    InvalidName: (404, "model_not_found"),
    errors.UnsupportedMediaType: (415, "unsupported_media_type"),
    errors.InvalidRequest: (422, "invalid_request"),
    errors.QueueFull: (429, "queue_full"),
    errors.EngineFailed: (500, "engine_failed"),
    errors.ModelUnavailable: (503, "model_unavailable"),
    DamagedVersion: (503, "model_unavailable"),
    errors.Draining: (503, "draining"),
    errors.DeadlineExceeded: (504, "deadline_exceeded"),
}


def register_errors(app: Flask) -> None:
    """Answer every error of the application as a problem document."""
    app.register_error_handler(ServiceError, _known)
    app.register_error_handler(StoreError, _known)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _known(error: Exception) -> Response:
    if type(error) not in STATUS:
        return _unexpected(error)
    status, code = STATUS[type(error)]
    extra = {}
    if isinstance(error, InvalidRequest):
        extra = {"errors": [{"field": p.field, "message": p.message} for p in error.problems]}
    return _problem(status, code, str(error), **extra)


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    code = HTTPStatus(status).name.lower()
    response = _problem(status, code, error.description or HTTPStatus(status).phrase)
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    log.error("unexpected error", exc_info=error)
    return _problem(500, "internal_error", "something broke here; the log says what")


def _problem(status: int, code: str, detail: str, **extra: Any) -> Response:
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **extra,
    }
    response = Response(json.dumps(body), status=status, content_type="application/problem+json")
    if status in (429, 503):
        response.headers["Retry-After"] = RETRY_AFTER
    return response
