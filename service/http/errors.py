"""The table of statuses and codes, and the problem document of every error (RFC 9457)."""

import inspect
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from flask import Flask, Response, json, request
from werkzeug.exceptions import HTTPException

from model_store import (
    AliasError,
    DamagedVersion,
    InvalidName,
    ModelNotFound,
    StoreUnavailable,
    UnreadableModel,
)
from service import errors
from service.errors import InvalidRequest
from service.http.media_types import PROBLEM
from service.http.problem import code_of, problem

log = logging.getLogger(__name__)

Refuse = Callable[[Exception], Response]

RETRY_AFTER = 1  # seconds, in which a full queue of short texts drains

STATUS: dict[type[Exception], tuple[int, str]] = {
    errors.MalformedJson: (400, "malformed_json"),
    errors.KeyRequired: (401, "key_required"),
    ModelNotFound: (404, "model_not_found"),
    InvalidName: (404, "model_not_found"),
    errors.OtherText: (412, "other_text"),
    errors.UnsupportedMediaType: (415, "unsupported_media_type"),
    errors.InvalidRequest: (422, "invalid_request"),
    errors.OverLimit: (422, "over_limit"),
    errors.QueueFull: (429, "queue_full"),
    errors.RateLimited: (429, "rate_limited"),
    errors.ClientGone: (499, "client_closed_request"),
    errors.EngineFailed: (500, "engine_failed"),
    errors.ModelUnavailable: (503, "model_unavailable"),
    errors.TooManyModels: (503, "too_many_models"),
    DamagedVersion: (503, "model_unavailable"),
    AliasError: (503, "model_unavailable"),
    UnreadableModel: (503, "model_unavailable"),
    StoreUnavailable: (503, "model_unavailable"),
    errors.Draining: (503, "draining"),
    errors.DeadlineExceeded: (504, "deadline_exceeded"),
}


def register_errors(app: Flask, forms: Mapping[str, Refuse] = MappingProxyType({})) -> None:
    """Let every error of the application become a problem document.

    `forms` has another form of errors for the paths below a prefix, whether they have a route or not.
    """

    def refuse(error: Exception) -> Response:
        for prefix, form in forms.items():
            if f"{request.path}/".startswith(f"{prefix}/"):
                return form(error)
        return _refuse(error)

    app.register_error_handler(Exception, refuse)


def problem_of(error: Exception) -> dict[str, Any]:
    """Return the problem document of an error; an unexpected error is a 500 and is logged."""
    if isinstance(error, HTTPException):
        status = error.code or 500
        return problem(status, code_of(status), error.description or HTTPStatus(status).phrase)
    if type(error) not in STATUS:
        log.error("unexpected error", exc_info=error)
        return problem(
            500, "internal_error", "the service failed unexpectedly; its log has the cause"
        )
    status, code = STATUS[type(error)]
    document = problem(status, code, str(error))
    if isinstance(error, InvalidRequest):
        document["errors"] = [{"field": p.field, "message": p.message} for p in error.problems]
    return document


def example_of(error: type[Exception]) -> dict[str, Any]:
    """Return an example of the problem document of an error, with its meaning as the detail."""
    if issubclass(error, HTTPException):
        status = error.code or 500
        return problem(status, code_of(status), error.description or "")
    return problem(*STATUS[error], inspect.getdoc(error) or "")


def refusal(error: Exception, status: int, body: str, content_type: str) -> Response:
    """Return the response of an error, with the headers that belong to its status."""
    response = Response(body, status, content_type=content_type)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status in (429, 503):
        response.headers["Retry-After"] = str(getattr(error, "retry_after", RETRY_AFTER))
    if isinstance(error, HTTPException):
        response.headers.extend(pair for pair in error.get_headers() if pair[0] == "Allow")
    return response


def _refuse(error: Exception) -> Response:
    document = problem_of(error)
    return refusal(error, document["status"], json.dumps(document), PROBLEM)
