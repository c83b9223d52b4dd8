"""The steps around every route, in the order in which a request and its response take them."""

from collections.abc import Callable
from functools import partial
from time import monotonic

from flask import Flask, Response

from service.http.hooks.access_log import AccessLog
from service.http.hooks.admission import Admission
from service.http.hooks.bodies import MAX_BODY, drain_body
from service.http.hooks.cors import Cors
from service.http.hooks.headers import set_headers
from service.http.hooks.request_metrics import RequestMetrics
from service.http.hooks.visit import Visit, begin_visit, current_visit
from service.settings import Settings
from service.telemetry import Telemetry


def register_hooks(
    app: Flask, settings: Settings, telemetry: Telemetry, admission: Admission
) -> None:
    """Put the steps around the routes of an application."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    metrics, access_log = RequestMetrics(telemetry), AccessLog(log_text=settings.log_text)
    leaving: list[Callable[[Visit, Response], None]] = [metrics.count, set_headers]
    if settings.cors_origins:
        leaving.append(Cors(settings.cors_origins).share)
    ending: list[Callable[[Visit, int], None]] = [metrics.observe, access_log.write]

    def enter() -> None:
        admission.admit(begin_visit())

    def leave(response: Response) -> Response:
        visit = current_visit()
        drain_body(response)
        for step in leaving:
            step(visit, response)
        response.call_on_close(partial(end, visit, response.status_code))
        return response

    def end(visit: Visit, status: int) -> None:
        """Take the last steps, when the last byte of the response is sent."""
        visit.seconds = monotonic() - visit.began
        for step in ending:
            step(visit, status)

    # One function for all steps: Flask looks up the request anew for each function.
    app.before_request(enter)
    app.after_request(leave)
