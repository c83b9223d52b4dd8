"""`/v1`: OpenAI's completions, so that its clients work unchanged."""

import secrets
from collections.abc import Generator, Iterator
from itertools import chain
from threading import Event
from time import time

from flask import Blueprint, Response, request
from pydantic import BaseModel
from werkzeug.exceptions import RequestEntityTooLarge

from model_store import Manifest, ModelNotFound
from service import errors
from service.api.openai_resolve import resolve_completion
from service.api.openai_schemas import (
    Completion,
    CompletionRequest,
    OpenAIError,
    OpenAIErrorBody,
    OpenAIModel,
    OpenAIModels,
)
from service.api.openai_texts import Texts
from service.api.schemas import parse
from service.errors import ServiceError, UnsupportedMediaType
from service.generation.generator import TextGenerator
from service.generation.merge import Arrival, merge
from service.http.errors import problem_of, refusal
from service.http.hooks import Hooks
from service.http.openapi import EVENTS, JSON, Answer, Operation, describe
from service.http.routes.caller import caller
from service.http.routes.events import EVENT_HEADERS, event
from service.models.registry import Models
from service.settings import Settings

TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}

COMPLETIONS = Operation(
    "OpenAI's completions; a token is a character",
    tag="OpenAI",
    body=CompletionRequest,
    examples={"a text": {"model": "shakespeare", "prompt": "ROMEO:", "max_tokens": 100, "seed": 1}},
    answers={
        JSON: Answer(Completion),
        EVENTS: Answer(
            example='data: {"choices": [{"text": "…", "index": 0}], …}\n\ndata: [DONE]\n\n'
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
    problem=(JSON, OpenAIError),
)
MODELS = Operation(
    "The models, as OpenAI lists them",
    tag="OpenAI",
    answers={JSON: Answer(OpenAIModels)},
    problem=(JSON, OpenAIError),
)
MODEL = Operation(
    "One model, as OpenAI shows it",
    tag="OpenAI",
    answers={JSON: Answer(OpenAIModel)},
    errors=[ModelNotFound],
    problem=(JSON, OpenAIError),
)


def openai_routes(
    models: Models, generator: TextGenerator, settings: Settings, hooks: Hooks
) -> Blueprint:
    """Return the blueprint."""
    routes = Blueprint("openai", __name__, url_prefix="/v1")
    routes.register_error_handler(Exception, _refuse)

    @routes.post("/completions")
    @describe(COMPLETIONS)
    def completions() -> Response:
        if request.mimetype != "application/json":
            raise UnsupportedMediaType("send the request as Content-Type: application/json")
        wire = parse(CompletionRequest, request.get_data())
        model = models.get(wire.model)
        generations = resolve_completion(wire, model, settings)
        hooks.charge(generations)
        left = Event()
        who = caller(streaming=wire.stream, left=left.is_set)
        answers = [generator.open(generation, model, who) for generation in generations]
        hooks.note(model.manifest.name, generations, answers)
        texts = Texts(wire, generations, answers, model)
        return (_events if wire.stream else _whole)(texts, merge(answers, left))

    @routes.get("/models")
    @describe(MODELS)
    def list_models() -> Response:
        store = models.store
        manifests = [store.manifest(*store.resolve(name)) for name in store.names()]
        return _json(OpenAIModels(data=[_model(each.name, each) for each in manifests]))

    @routes.get("/models/<name>")
    @describe(MODEL)
    def show_model(name: str) -> Response:
        return _json(_model(name, models.store.manifest(*models.store.resolve(name))))

    return routes


def _whole(texts: Texts, arrivals: Generator[Arrival]) -> Response:
    pieces = list(arrivals)
    return _json(_completion(texts).model_copy(update=texts.whole(pieces)))


def _events(texts: Texts, arrivals: Generator[Arrival]) -> Response:
    head = _completion(texts)
    first = next(arrivals)  # whatever is refused is refused here, before the first byte

    def events() -> Iterator[bytes]:
        try:
            for arrival in chain([first], arrivals):
                yield event(_dump(head.model_copy(update=texts.chunk(*arrival))))
            if texts.counts_usage:
                yield event(_dump(head.model_copy(update={"usage": texts.usage()})))
            yield event("[DONE]")
        except ServiceError as error:
            yield event(_dump(_error(error)[1]))

    response = Response(events(), content_type=f"{EVENTS}; charset=utf-8", headers=EVENT_HEADERS)
    response.call_on_close(arrivals.close)
    return response


def _completion(texts: Texts) -> Completion:
    return Completion(
        id=f"cmpl-{secrets.token_hex(12)}", created=int(time()), model=texts.model, choices=[]
    )


def _model(name: str, manifest: Manifest) -> OpenAIModel:
    return OpenAIModel(id=name, created=int(manifest.created.timestamp()))


def _refuse(error: Exception) -> Response:
    status, body = _error(error)
    return refusal(error, status, _dump(body), JSON)


def _error(error: Exception) -> tuple[int, OpenAIError]:
    problem = problem_of(error)
    status = problem["status"]
    kind = TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    fields = problem.get("errors", [{"field": None}])
    body = OpenAIErrorBody(
        message=problem["detail"], type=kind, param=fields[0]["field"], code=problem["code"]
    )
    return status, OpenAIError(error=body)


def _json(body: BaseModel) -> Response:
    return Response(_dump(body), content_type=JSON)


def _dump(body: BaseModel) -> str:
    return body.model_dump_json()
