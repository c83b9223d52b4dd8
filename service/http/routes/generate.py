"""`POST /generate`: seed text and temperature in, text out, whole or as server-sent events."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from flask import Blueprint, Response, json
from pydantic import BaseModel

from service.api.explained import blocks, explained, explained_json
from service.api.resolve import resolve
from service.api.schemas import GenerateRequest, GenerateResponse, GenerateSummary
from service.errors import ServiceError
from service.generation.generator import Answer, TextGenerator
from service.http.errors import problem_of
from service.http.hooks.admission import Admission
from service.http.hooks.visit import record_answers
from service.http.media_types import EVENTS, JSON
from service.http.operation import Operation, ResponseBody, documented
from service.http.routes.body import read_body
from service.http.routes.caller import caller
from service.http.routes.events import EVENT_HEADERS, event
from service.http.routes.failures import GENERATION_ERRORS
from service.models.loading import LoadedModel
from service.models.registry import Models
from service.settings import Settings
from service.stream.generation import Generation
from service.stream.text import Text

EXAMPLE = {
    "model": "shakespeare",
    "version": 5,
    "seed": "ROMEO:",
    "temperature": 0.5,
    "random_seed": 0,
    "finish_reason": "length",
    "cached": False,
    "text": "\nI think it is no son of covert here.",
}
GENERATE = Operation(
    "Continue a seed text",
    tag="text",
    body=GenerateRequest,
    examples={
        "a text": {"seed": "ROMEO:", "temperature": 0.5},
        "as server-sent events": {"seed": "ROMEO:", "stream": True, "length": 100},
        "one line": {"seed": "JULIET:\n", "stop": ["\n"], "random_seed": 7, "details": True},
    },
    responses={
        JSON: ResponseBody(GenerateResponse, EXAMPLE),
        EVENTS: ResponseBody(
            example='data: {"text": "\\nHave"}\n\nevent: done\ndata: {"finish_reason": "length", …}\n\n'
        ),
    },
    errors=GENERATION_ERRORS,
    request_headers={
        "Cache-Control": "no-cache: the cache is not read; no-store: the cache is neither read nor written."
    },
    response_headers={
        "X-Cache": "hit, partial, miss or bypass",
        "Server-Timing": "milliseconds in cache, queue, prefill and decode",
    },
)


def generate_routes(
    models: Models, generator: TextGenerator, settings: Settings, admission: Admission
) -> Blueprint:
    """Return the blueprint of `/generate`."""
    routes = Blueprint("generate", __name__)

    @routes.post("/generate")
    @documented(GENERATE)
    def generate() -> Response:
        wire = read_body(GenerateRequest)
        model = models.get(wire.model)
        generation = resolve(wire, model, settings)
        admission.charge([generation])
        answer = generator.open(generation, model, caller(streaming=wire.stream))
        record_answers(model.manifest.name, [generation], [answer])
        respond = _events if wire.stream else _whole
        return respond(generation, model, answer)

    return routes


def _whole(generation: Generation, model: LoadedModel, answer: Answer) -> Response:
    pieces = list(answer.pieces)
    timing = ", ".join(
        f"{name};dur={1000 * seconds:.2f}" for name, seconds in answer.seconds.items()
    )
    headers = [("X-Cache", answer.cache), ("Server-Timing", timing)]
    return Response(_body(pieces, generation, model, answer), headers=headers, content_type=JSON)


def _body(pieces: list[Text], generation: Generation, model: LoadedModel, answer: Answer) -> bytes:
    text = "".join(piece.characters for piece in pieces)
    fields = GenerateResponse(**_summary(generation, model, answer), text=text)
    body = _json(fields).encode()
    if not generation.wants_details:
        return body
    # An object for each number would take fifty times the memory of the JSON.
    return b'%b,"details":%b}' % (body[:-1], explained_json(pieces, model.vocabulary))


def _events(generation: Generation, model: LoadedModel, answer: Answer) -> Response:
    # The first piece is read before the response begins: an error still gets its own status.
    first = next(answer.pieces, Text(""))

    def events() -> Iterator[bytes]:
        try:
            for piece in chain([first], answer.pieces):
                for block in blocks(piece):
                    yield event(_piece(block, generation, model))
            yield event(_json(GenerateSummary(**_summary(generation, model, answer))), "done")
        except ServiceError as error:
            yield event(json.dumps(problem_of(error)), "error")

    headers = EVENT_HEADERS | {"X-Cache": answer.cache}
    response = Response(events(), content_type=f"{EVENTS}; charset=utf-8", headers=headers)
    # A client may leave before the first event, and `events`, not yet begun, then cleans up nothing.
    response.call_on_close(answer.pieces.close)
    return response


def _summary(generation: Generation, model: LoadedModel, answer: Answer) -> dict[str, Any]:
    sampling = generation.stream.sampling
    return {
        "model": model.manifest.name,
        "version": model.manifest.version,
        "seed": generation.seed,
        "temperature": sampling.temperature,
        "random_seed": sampling.random_seed,
        "finish_reason": answer.finish_reason,
        "cached": answer.cache == "hit",
    }


def _piece(piece: Text, generation: Generation, model: LoadedModel) -> str:
    values: dict[str, Any] = {"text": piece.characters}
    if generation.wants_details:
        values["details"] = explained(piece, model.vocabulary)
    return json.dumps(values, ensure_ascii=False)


def _json(body: BaseModel) -> str:
    return body.model_dump_json(exclude_none=True)
