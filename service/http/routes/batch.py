"""`POST /batch`: many requests for texts in one, answered as they end."""

import threading
from contextlib import ExitStack
from dataclasses import replace
from time import monotonic, sleep

from flask import Blueprint, Response

from service.api.answers import whole_json
from service.api.many.lines import answer_line, error_line, lines_of, parse_line
from service.api.resolve import resolve
from service.api.schemas import GenerateRequest
from service.errors import QueueFull
from service.generation.generator import Caller, TextGenerator
from service.generation.parallel import MOST, in_parallel
from service.http.errors import problem_of
from service.http.hooks.admission import Admission
from service.http.hooks.visit import Visit, current_visit
from service.http.media_types import JSON, JSON_LINES, in_utf8
from service.http.operation import Operation, ResponseBody, documented
from service.http.routes.body import read_bytes
from service.http.routes.caller import caller
from service.http.routes.events import STREAM_HEADERS
from service.http.routes.failures import GENERATION_ERRORS
from service.http.shares.batches import Batches
from service.models.registry import Models
from service.settings import Settings

LINES = (JSON_LINES, "application/x-ndjson", "application/x-jsonlines", JSON)
PAUSE = 1.0  # seconds until a line that the full queue refused is tried again

BATCH = Operation(
    "Continue a seed text for each line, in any order",
    tag="text",
    body=GenerateRequest,
    body_type=JSON_LINES,
    examples={"two texts": '{"seed": "ROMEO:", "length": 20}\n{"seed": "JULIET:", "length": 20}'},
    responses={
        JSON_LINES: ResponseBody(
            example='{"index":1,"text":"\\nO…","finish_reason":"length",…}\n{"index":0,…}\n'
        )
    },
    errors=GENERATION_ERRORS,
)


def batch_routes(
    models: Models, generator: TextGenerator, settings: Settings, admission: Admission
) -> Blueprint:
    """Return the blueprint of `/batch`."""
    routes = Blueprint("batch", __name__)
    running = Batches()

    @routes.post("/batch")
    @documented(BATCH)
    def batch() -> Response:
        lines = lines_of(read_bytes(*LINES))
        abandoned = threading.Event()
        visit = current_visit()
        who = caller(settings.deadline, streaming=False, left=abandoned.is_set)

        def answer(numbered: tuple[int, bytes]) -> bytes:
            index, line = numbered
            try:
                text = whole(line, visit, who)
            except Exception as error:  # noqa: BLE001 - the line's own, and the other lines go on
                return error_line(index, problem_of(error))
            return answer_line(index, text)

        running.begin(who.client)
        arrivals = in_parallel(answer, lines, min(MOST, settings.slots), abandoned)
        end = ExitStack()
        end.callback(running.end, who.client)
        end.callback(arrivals.close)  # comes first
        arriving = (line for _, line in arrivals)
        response = Response(arriving, content_type=in_utf8(JSON_LINES), headers=STREAM_HEADERS)
        response.call_on_close(end.close)
        return response

    def whole(line: bytes, visit: Visit, who: Caller) -> bytes:
        wire = parse_line(line)
        model = models.get(wire.model)
        generation = resolve(wire, model, settings)
        admission.charge(visit, [generation])
        who = replace(who, deadline=monotonic() + settings.deadline)  # each line has its own
        while True:
            answer = generator.open(generation, model, who)
            try:
                return whole_json(list(answer.pieces), generation, model, answer)
            except QueueFull:  # a batch waits for other clients
                if monotonic() >= who.deadline or not who.connected():
                    raise
            sleep(PAUSE)

    return routes
