"""The short way of a request that comes again: past Flask, from its bytes to the ready answer's."""

from collections.abc import Iterable
from functools import partial
from io import BytesIO
from time import monotonic
from typing import TYPE_CHECKING, Any

from werkzeug.wsgi import ClosingIterator

from service.generation.generator import Answer
from service.http.hooks.order import Steps
from service.http.hooks.visit import Visit, begin_visit
from service.http.media_types import JSON, in_utf8
from service.http.ready import ROUTE, Meaning, ReadyAnswers, WholeAnswer
from service.http.server.incoming import MAX_BODY
from service.models.registry import Models
from service.telemetry import Telemetry

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication


class Repeats:
    """Answers requests that come again, and gives every other request to the application.

    Flask alone takes longer for a request than all steps around an answer together. A request that
    is admitted or refused here reaches Flask with its visit, which no step of Flask begins again.
    """

    def __init__(
        self,
        application: "WSGIApplication",
        ready: ReadyAnswers,
        models: Models,
        steps: Steps,
        telemetry: Telemetry,
    ) -> None:
        self._application = application
        self._ready = ready
        self._models = models
        self._steps = steps
        self._telemetry = telemetry

    def __call__(self, environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request (PEP 3333)."""
        if not _may_be_known(environ):
            return self._application(environ, start_response)
        visit = begin_visit(environ, ROUTE)
        try:
            known = self._find(environ, visit)
        except Exception as error:  # noqa: BLE001 - raised again in Flask, which answers errors
            known, visit.error = None, error
        if known is None:
            return self._application(environ, start_response)
        return self._send(known, visit, start_response)

    def _find(self, environ: dict[str, Any], visit: Visit) -> WholeAnswer | None:
        """Admit a request, and charge the client for the ready answer if there is one."""
        self._steps.admission.admit(visit, environ.get("HTTP_AUTHORIZATION", ""))
        known = self._ready.get(_read(environ))
        if known is None or known.meaning != Meaning.of(self._models.get(known.reference)):
            return None
        self._steps.admission.charge(visit, [known.generation])
        return known

    def _send(
        self, known: WholeAnswer, visit: Visit, start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Send the answer, and leave behind what a hit of the cache leaves behind."""
        answer = Answer("hit")
        answer.characters, answer.finish_reason = known.characters, known.finish_reason
        answer.seconds["cache"] = monotonic() - visit.began
        visit.record(known.meaning.name, [known.generation], [answer])
        self._telemetry.repeated(len(known.generation.seed), known.characters)
        headers = known.headers("hit", answer.seconds)
        start_response("200 OK", headers + self._steps.leave(visit, 200, page=False))
        return ClosingIterator([known.body], partial(self._steps.end, visit, 200))


def _may_be_known(environ: dict[str, Any]) -> bool:
    """Return whether a request could have a ready answer, by its head."""
    return (
        environ["REQUEST_METHOD"] == "POST"
        and environ.get("PATH_INFO") == ROUTE
        and environ.get("CONTENT_TYPE") in (JSON, in_utf8(JSON))
        and environ.get("CONTENT_LENGTH", "").isdecimal()
        and int(environ["CONTENT_LENGTH"]) <= MAX_BODY
        and "HTTP_CONTENT_ENCODING" not in environ
        and "HTTP_CACHE_CONTROL" not in environ
        and "HTTP_IF_MATCH" not in environ
        and "HTTP_IF_NONE_MATCH" not in environ
        and "HTTP_LAST_EVENT_ID" not in environ
    )


def _read(environ: dict[str, Any]) -> bytes:
    """Return the body of a request, and leave a copy for the application."""
    body: bytes = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    environ["wsgi.input"] = BytesIO(body)
    return body
