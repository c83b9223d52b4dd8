"""`POST /generate`: seed text and temperature in, text out, whole or as server-sent events."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from flask import Blueprint, Response, json, request
from pydantic import BaseModel
from werkzeug.exceptions import RequestEntityTooLarge

from model_store import ModelNotFound
from service import errors
from service.api.likely import likely_characters
from service.api.resolve import resolve
from service.api.schemas import (
    CharacterDetails,
    GenerateRequest,
    GenerateResponse,
    GenerateSummary,
    parse,
)
from service.errors import ServiceError, UnsupportedMediaType
from service.generation.generator import Answer, TextGenerator
from service.http.errors import problem_of
from service.http.hooks import Hooks
from service.http.openapi import Answer as Described
from service.http.openapi import Operation, describe
from service.http.routes.caller import caller
from service.http.routes.events import EVENT_HEADERS, event
from service.models.loading import LoadedModel
from service.models.registry import Models
from service.settings import Settings
from service.stream.details import DIGITS
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
    "Go on from a seed text",
    tag="text",
    body=GenerateRequest,
    examples={
        "a text": {"seed": "ROMEO:", "temperature": 0.5},
        "as it is made": {"seed": "ROMEO:", "stream": True, "length": 100},
        "one line": {"seed": "JULIET:\n", "stop": ["\n"], "random_seed": 7, "details": True},
    },
    answers={
        "application/json": Described(GenerateResponse, EXAMPLE),
        "text/event-stream": Described(
            example='data: {"text": "\\nHave"}\n\nevent: done\ndata: {"finish_reason": "length", …}\n\n'
        ),
    },
    errors=[
        errors.MalformedJson,
        ModelNotFound,
        RequestEntityTooLarge,
        errors.UnsupportedMediaType,
        errors.InvalidRequest,
        errors.QueueFull,
        errors.ClientGone,
        errors.EngineFailed,
        errors.ModelUnavailable,
        errors.Draining,
        errors.DeadlineExceeded,
    ],
    request_headers={
        "Cache-Control": "no-cache reads nothing from the cache; no-store, nor writes."
    },
    response_headers={
        "X-Cache": "hit, partial, miss or bypass",
        "Server-Timing": "milliseconds in cache, queue, prefill and decode",
    },
)


def generate_routes(
    models: Models, generator: TextGenerator, settings: Settings, hooks: Hooks
) -> Blueprint:
    """Return the blueprint."""
    routes = Blueprint("generate", __name__)

    @routes.post("/generate")
    @describe(GENERATE)
    def generate() -> Response:
        if request.mimetype != "application/json":
            raise UnsupportedMediaType("send the request as Content-Type: application/json")
        wire = parse(GenerateRequest, request.get_data())
        model = models.get(wire.model)
        generation = resolve(wire, model, settings)
        hooks.charge([generation])
        answer = generator.open(generation, model, caller(streaming=wire.stream))
        hooks.note(model.manifest.name, [generation], [answer])
        respond = _events if wire.stream else _whole
        return respond(generation, model, answer)

    return routes


def _whole(generation: Generation, model: LoadedModel, answer: Answer) -> Response:
    pieces = list(answer.pieces)
    body = GenerateResponse(
        **_summary(generation, model, answer),
        text="".join(piece.characters for piece in pieces),
    )
    if generation.wants_details:
        body.details = [item for piece in pieces for item in _details(piece, model)]
    timing = ", ".join(
        f"{name};dur={1000 * seconds:.2f}" for name, seconds in answer.seconds.items()
    )
    headers = [("X-Cache", answer.cache), ("Server-Timing", timing)]
    return Response(_json(body), headers=headers, content_type="application/json")


def _events(generation: Generation, model: LoadedModel, answer: Answer) -> Response:
    # Whatever is refused is refused here, before the first byte.
    first = next(answer.pieces, Text(""))

    def events() -> Iterator[bytes]:
        try:
            for piece in chain([first], answer.pieces):
                if piece:
                    yield event(_piece(piece, generation, model))
            yield event(_json(GenerateSummary(**_summary(generation, model, answer))), "done")
        except ServiceError as error:
            yield event(json.dumps(problem_of(error)), "error")

    headers = EVENT_HEADERS | {"X-Cache": answer.cache}
    response = Response(events(), content_type="text/event-stream; charset=utf-8", headers=headers)
    # Also when not one event was asked for: a generator that never began has nothing to clean up.
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
        values["details"] = [item.model_dump() for item in _details(piece, model)]
    return json.dumps(values, ensure_ascii=False)


def _details(piece: Text, model: LoadedModel) -> list[CharacterDetails]:
    if piece.details is None:
        return []
    return [
        CharacterDetails(character=character, logprob=round(logprob, DIGITS), top=top)
        for character, logprob, top in zip(
            piece.characters,
            piece.details.logprobs.tolist(),
            likely_characters(piece.details, model.vocabulary),
            strict=True,
        )
    ]


def _json(body: BaseModel) -> str:
    return body.model_dump_json(exclude_none=True)
