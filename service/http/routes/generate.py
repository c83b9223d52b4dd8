"""`POST /generate`: seed text and temperature in, text out, whole or as server-sent events."""

from collections.abc import Iterator, Mapping
from itertools import chain
from time import monotonic
from typing import Any

from flask import Blueprint, Response, json
from werkzeug.datastructures import Headers

from service.api.answers import piece_json, summary_json, whole_json
from service.api.explained import blocks
from service.api.resolve import resolve
from service.api.schemas import GenerateRequest, GenerateResponse, parse
from service.errors import ServiceError
from service.generation.generator import Answer, CacheResult, TextGenerator
from service.http.entity_tags import EntityTags, entity_tags
from service.http.errors import problem_of
from service.http.hooks.admission import Admission
from service.http.hooks.visit import record_answers
from service.http.media_types import EVENTS, JSON
from service.http.operation import Operation, ResponseBody, documented
from service.http.ready import Meaning, ReadyAnswers, WholeAnswer
from service.http.routes.body import read_bytes
from service.http.routes.caller import asks_plainly, caller
from service.http.routes.events import EVENT_HEADERS, event
from service.http.routes.failures import GENERATION_ERRORS
from service.models.loading import LoadedModel
from service.models.registry import Models
from service.settings import Settings
from service.stream.generation import Generation
from service.stream.text import Text
from service.telemetry import Telemetry

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
        "Cache-Control": "no-cache: the cache is not read; no-store: the cache is neither read nor written.",
        "If-None-Match": "Entity tags of answers that the client holds; with the tag of this answer: 304.",
    },
    other_responses={304: ResponseBody()},
    response_headers={
        "ETag": "The entity tag of a whole answer; answers with equal tags have equal bytes.",
        "X-Cache": "hit, partial, miss or bypass",
        "Server-Timing": "milliseconds in cache, queue, prefill and decode",
    },
)


READY_SHARE = 8  # of the size of the cache in memory, for the ready answers of each worker


def generate_routes(
    models: Models,
    generator: TextGenerator,
    settings: Settings,
    admission: Admission,
    telemetry: Telemetry,
) -> Blueprint:
    """Return the blueprint of `/generate`."""
    routes = Blueprint("generate", __name__)
    ready = ReadyAnswers(settings.cache_megabytes * 1_000_000 // READY_SHARE)

    @routes.post("/generate")
    @documented(GENERATE)
    def generate() -> Response:
        body, plain, began = read_bytes(), asks_plainly(), monotonic()
        known = ready.get(body) if plain else None
        if known is not None and known.meaning == Meaning.of(models.get(known.reference)):
            return repeat(known, began)
        wire = parse(GenerateRequest, body)
        model = models.get(wire.model)
        generation = resolve(wire, model, settings)
        tags = entity_tags(generation, model)
        if not wire.stream and (held := tags.held()):
            return _not_modified(held)
        admission.charge([generation])
        answer = generator.open(generation, model, caller(streaming=wire.stream))
        record_answers(model.manifest.name, [generation], [answer])
        if wire.stream:
            return _events(generation, model, answer)
        whole = _whole(wire.model, generation, model, answer, tags)
        if plain and answer.cache == "hit" and wire.random_seed is not None:
            ready.put(body, whole)
        return _response(whole, answer.cache, answer.seconds)

    def repeat(known: WholeAnswer, began: float) -> Response:
        """Answer with known bytes, and leave behind what a hit of the cache leaves behind."""
        admission.charge([known.generation])
        answer = Answer("hit")
        answer.characters, answer.finish_reason = known.characters, known.finish_reason
        answer.seconds["cache"] = monotonic() - began
        record_answers(known.meaning.name, [known.generation], [answer])
        telemetry.repeated(len(known.generation.seed), known.characters)
        return _response(known, "hit", answer.seconds)

    return routes


def _not_modified(tag: str) -> Response:
    """Tell the client that its answer is right (RFC 9110, 13.1.2).

    The RFC has 412 for methods that change something; a POST to this route reads, as QUERY would.
    """
    return Response(status=304, headers={"ETag": f'"{tag}"'})


def _whole(
    reference: str | None,
    generation: Generation,
    model: LoadedModel,
    answer: Answer,
    tags: EntityTags,
) -> WholeAnswer:
    pieces = list(answer.pieces)
    return WholeAnswer(
        reference=reference,
        meaning=Meaning.of(model),
        generation=generation,
        finish_reason=answer.finish_reason,
        characters=answer.characters,
        entity_tag=tags.cached if answer.cache == "hit" else tags.computed,
        body=whole_json(pieces, generation, model, answer),
    )


class WholeResponse(Response):
    """A response with complete headers, which Flask would copy and search for what is missing."""

    def get_wsgi_headers(self, environ: Mapping[str, Any]) -> Headers:  # noqa: ARG002 - as in Flask
        """Return the headers as they are."""
        return self.headers


def _response(whole: WholeAnswer, cache: CacheResult, seconds: Mapping[str, float]) -> Response:
    timing = ", ".join(f"{name};dur={1000 * each:.2f}" for name, each in seconds.items())
    headers = [
        ("X-Cache", cache),
        ("Server-Timing", timing),
        ("ETag", f'"{whole.entity_tag}"'),
        ("Content-Length", str(len(whole.body))),
    ]
    return WholeResponse(whole.body, headers=headers, content_type=JSON)


def _events(generation: Generation, model: LoadedModel, answer: Answer) -> Response:
    # The first piece is read before the response begins: an error still gets its own status.
    first = next(answer.pieces, Text(""))

    def events() -> Iterator[bytes]:
        try:
            for piece in chain([first], answer.pieces):
                for block in blocks(piece):
                    yield event(piece_json(block, generation, model))
            yield event(summary_json(generation, model, answer), "done")
        except ServiceError as error:
            yield event(json.dumps(problem_of(error)), "error")

    headers = EVENT_HEADERS | {"X-Cache": answer.cache}
    response = Response(events(), content_type=f"{EVENTS}; charset=utf-8", headers=headers)
    # A client may leave before the first event, and `events`, not yet begun, then cleans up nothing.
    response.call_on_close(answer.pieces.close)
    return response
