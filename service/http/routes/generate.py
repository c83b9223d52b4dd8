"""`POST /generate`: seed text and temperature in, text out, whole or as server-sent events."""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from flask import Blueprint, Response, json

from service.api.answers import piece_json, summary_json, whole_json
from service.api.explained import blocks
from service.api.many.count import ManyResponse
from service.api.parsing import parse
from service.api.resolve import resolve
from service.api.schemas import GenerateRequest, GenerateResponse
from service.errors import OtherText, ServiceError
from service.generation.generator import Answer, TextGenerator
from service.http.entity_tags import EntityTags, entity_tags, require_match
from service.http.errors import problem_of
from service.http.hooks.admission import Admission
from service.http.hooks.visit import current_visit, record_answers
from service.http.media_types import EVENTS, JSON, in_utf8
from service.http.operation import Operation, ResponseBody, documented
from service.http.ready import ROUTE, Meaning, ReadyAnswers, WholeAnswer
from service.http.resumed import characters_held, stream_headers
from service.http.routes.body import read_bytes
from service.http.routes.caller import caller
from service.http.routes.events import COMMENT, STREAM_HEADERS, event
from service.http.routes.failures import GENERATION_ERRORS
from service.http.routes.many import answer_many
from service.models.loading import LoadedModel
from service.models.registry import Models
from service.settings import Settings
from service.stream.generation import Generation

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
        "a name": {"seed": "Enter ", "pattern": "[A-Z][a-z]{3,9}"},
        "ten names": {"seed": "", "stop": ["\n"], "count": 10, "distinct": True, "length": 12},
        "one line": {"seed": "JULIET:\n", "stop": ["\n"], "random_seed": 7, "details": True},
    },
    responses={
        JSON: ResponseBody(GenerateResponse, EXAMPLE, other=ManyResponse),
        EVENTS: ResponseBody(
            example='id: 5\ndata: {"text": "\\nHave"}\n\n'
            'event: done\nid: 5\ndata: {"finish_reason": "length", …}\n\n'
        ),
    },
    errors=(*GENERATION_ERRORS, OtherText),
    request_headers={
        "Cache-Control": "no-cache: nothing is taken from the cache; no-store: the cache is neither read nor written.",
        "If-None-Match": "Entity tags of answers that the client holds; with the tag of this answer: 304.",
        "Last-Event-ID": "The id of the last event that a client of a stream has: the answer is the rest.",
        "If-Match": "The entity tag of the text, of a stream or of a whole answer: a service that writes another text "
        "answers 412.",
    },
    other_responses={304: ResponseBody()},
    response_headers={
        "ETag": "The entity tag of a whole answer with one text, whose bytes are equal where the tags are; of a stream a weak tag, "
        "for which the characters are equal.",
        "X-Model": "Of a stream: the model and its version, as the field model takes them.",
        "X-Random-Seed": "Of a stream: the random seed, also a drawn one.",
        "X-Cache": "hit, partial, miss or bypass",
        "X-Cached-Characters": "Of a stream: how many characters the cache has, up to the length.",
        "Server-Timing": "milliseconds in cache, queue, prefill and decode",
    },
)


def generate_routes(
    models: Models,
    generator: TextGenerator,
    settings: Settings,
    admission: Admission,
    ready: ReadyAnswers,
) -> Blueprint:
    """Return the blueprint of `/generate`."""
    routes = Blueprint("generate", __name__)

    @routes.post(ROUTE)
    @documented(GENERATE)
    def generate() -> Response:
        body = read_bytes()
        wire = parse(GenerateRequest, body)
        model = models.get(wire.model)
        if wire.count is not None:
            return answer_many(wire, model, generator, settings, admission)
        generation = resolve(wire, model, settings)
        has = characters_held(wire, generation)
        tags = entity_tags(generation, model)
        require_match(generation.stream.key, tags.computed, tags.cached)
        if not wire.stream and (held := tags.held()):
            return _not_modified(held)
        admission.charge(current_visit(), [generation])
        who = caller(settings.deadline, streaming=wire.stream, has=has)
        answer = generator.open(generation, model, who)
        record_answers(model.manifest.name, [generation], [answer])
        if wire.stream:
            return _events(generation, model, answer, has)
        whole = _whole(wire.model, generation, model, answer, tags)
        if answer.cache == "hit" and wire.random_seed is not None:
            ready.put(body, whole)
        headers = whole.headers(answer.cache, answer.seconds)
        return Response(whole.body, headers=headers)

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


def _events(generation: Generation, model: LoadedModel, answer: Answer, has: int) -> Response:
    # The first piece is read before the response begins: an error still gets its own status.
    first = [*islice(answer.pieces, 1)]

    def events() -> Iterator[bytes]:
        position = has
        try:
            for piece in chain(first, answer.pieces):
                if not piece:
                    yield COMMENT
                for block in blocks(piece):
                    position += len(block)
                    yield event(piece_json(block, generation, model), position=position)
            yield event(summary_json(generation, model, answer), "done", position)
        except ServiceError as error:
            yield event(json.dumps(_where_to_go_on(error, position)), "error", position)

    cached = {"X-Cache": answer.cache, "X-Cached-Characters": str(answer.remembered)}
    headers = STREAM_HEADERS | stream_headers(generation, model) | cached
    response = Response(events(), content_type=in_utf8(EVENTS), headers=headers)
    # A client may leave before the first event, and `events`, not yet begun, then cleans up nothing.
    response.call_on_close(answer.pieces.close)
    return response


def _where_to_go_on(error: ServiceError, position: int) -> dict[str, Any]:
    """Return the problem document of an error amid a text, with how to get the rest of the text."""
    document = problem_of(error)
    if document["status"] >= 429:  # another try may work
        document["detail"] += f"; Last-Event-ID: {position} brings the rest of the text"
    return document
