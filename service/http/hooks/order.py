"""The steps around every answer, in the order in which a request and its response take them."""

from functools import partial
from time import monotonic

from flask import Flask, Response, current_app, request

from service.http.hooks.access_log import AccessLog
from service.http.hooks.admission import Admission
from service.http.hooks.cors import Cors
from service.http.hooks.headers import every_header
from service.http.hooks.request_metrics import RequestMetrics
from service.http.hooks.visit import KEY, Visit, begin_visit, current_visit
from service.http.open_routes import is_open
from service.http.server.incoming import MAX_BODY
from service.settings import Settings
from service.telemetry import Telemetry


class Steps:
    """The steps, for answers of Flask's routes and for answers that need no route."""

    def __init__(self, settings: Settings, telemetry: Telemetry, admission: Admission) -> None:
        self.admission = admission
        self._cors = Cors(settings.cors_origins or ())
        self._metrics = RequestMetrics(telemetry)
        self._access_log = AccessLog(log_text=settings.log_text)

    def leave(self, visit: Visit, status: int, *, page: bool) -> list[tuple[str, str]]:
        """Count the response and return the headers that every response has."""
        self._metrics.count(visit, status)
        return every_header(visit, page=page) + self._cors.headers(visit)

    def end(self, visit: Visit, status: int) -> None:
        """Take the last steps, when the last byte of the response is sent."""
        visit.seconds = monotonic() - visit.began
        self._metrics.observe(visit)
        self._access_log.write(visit, status)


def register_hooks(app: Flask, steps: Steps) -> None:
    """Put the steps around the routes of an application."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY

    def enter() -> None:
        environ = request.environ
        visit = environ.get(KEY)
        if visit is None:
            visit = begin_visit(environ, _rule())
            authorization = environ.get("HTTP_AUTHORIZATION", "")
            steps.admission.admit(visit, authorization, is_open=_route_is_open())
        elif visit.error is not None:
            raise visit.error

    def leave(response: Response) -> Response:
        visit, status = current_visit(), response.status_code
        response.headers.extend(steps.leave(visit, status, page=response.mimetype == "text/html"))
        response.call_on_close(partial(steps.end, visit, status))
        return response

    # One function for all steps: Flask looks up the request anew for each function.
    app.before_request(enter)
    app.after_request(leave)


def _rule() -> str:
    rule = request.url_rule
    return rule.rule if rule else "none"


def _route_is_open() -> bool:
    # The endpoint is None where no route has the request's path and method.
    return is_open(current_app.view_functions.get(request.endpoint or ""))
