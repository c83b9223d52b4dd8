"""The steps around every route, in the order in which a request and its response take them."""

from collections.abc import Callable

from flask import Flask, Response

from service.http.hooks.access_log import AccessLog
from service.http.hooks.admission import Admission
from service.http.hooks.cors import Cors
from service.http.hooks.headers import set_headers
from service.http.hooks.request_metrics import RequestMetrics
from service.http.hooks.visit import begin_visit
from service.http.server.incoming import MAX_BODY
from service.settings import Settings
from service.telemetry import Telemetry


def register_hooks(
    app: Flask, settings: Settings, telemetry: Telemetry, admission: Admission
) -> None:
    """Put the steps around the routes of an application."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    before: list[Callable[[], None]] = [
        begin_visit,  # every later step reads the visit
        admission.admit,
    ]
    after: list[Callable[[Response], Response]] = [
        RequestMetrics(telemetry).count,
        AccessLog(log_text=settings.log_text).write,
        set_headers,
        Cors(settings.cors_origins or ()).share,
    ]
    for enter in before:
        app.before_request(enter)
    for leave in reversed(after):  # Flask begins with the step that was registered last
        app.after_request(leave)
