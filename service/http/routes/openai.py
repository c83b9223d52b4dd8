"""`/v1`: completions and models in OpenAI's form, for clients of OpenAI's."""

import secrets
from collections.abc import Generator, Iterable, Iterator
from itertools import chain
from threading import Event
from time import time
from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel
from pydantic_core import to_json
from werkzeug.exceptions import NotFound

from model_store import Faults, Manifest, ModelNotFound, StoreUnavailable
from service.api.explained import blocks
from service.api.openai_resolve import prompts_to_read, resolve_completion
from service.api.openai_schemas import (
    Completion,
    CompletionRequest,
    OpenAIError,
    OpenAIErrorBody,
    OpenAIModel,
    OpenAIModels,
)
from service.api.openai_texts import Texts
from service.errors import ServiceError
from service.generation.generator import TextGenerator
from service.generation.merge import Arrival, merge
from service.generation.scores import TextScorer
from service.http.errors import problem_of, refusal
from service.http.hooks.admission import Admission
from service.http.hooks.visit import current_visit, record_answers
from service.http.media_types import EVENTS, JSON, in_utf8
from service.http.operation import Operation, ResponseBody, documented
from service.http.routes.body import read_body
from service.http.routes.caller import caller
from service.http.routes.events import COMMENT, STREAM_HEADERS, event
from service.http.routes.failures import GENERATION_ERRORS
from service.models.registry import Models
from service.settings import Settings
from service.stream.text import Text

PREFIX = "/v1"
NO_ROUTE = (
    "there is no such route: this server completes text; it has no chat. "
    "The routes are POST /v1/completions, GET /v1/models and GET /v1/models/<name>"
)
TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}

COMPLETIONS = Operation(
    "Continue prompts, in OpenAI's form; a token is a character",
    tag="OpenAI",
    body=CompletionRequest,
    examples={"a text": {"model": "shakespeare", "prompt": "ROMEO:", "max_tokens": 100, "seed": 1}},
    responses={
        JSON: ResponseBody(Completion),
        EVENTS: ResponseBody(
            example='data: {"choices": [{"text": "…", "index": 0}], …}\n\ndata: [DONE]\n\n'
        ),
    },
    errors=GENERATION_ERRORS,
    problem=(JSON, OpenAIError),
)
MODELS = Operation(
    "List the models, in OpenAI's form",
    tag="OpenAI",
    responses={JSON: ResponseBody(OpenAIModels)},
    errors=[StoreUnavailable],
    problem=(JSON, OpenAIError),
)
MODEL = Operation(
    "Show a model, in OpenAI's form",
    tag="OpenAI",
    responses={JSON: ResponseBody(OpenAIModel)},
    errors=[ModelNotFound],
    problem=(JSON, OpenAIError),
)


def openai_routes(
    models: Models,
    generator: TextGenerator,
    scorer: TextScorer,
    settings: Settings,
    admission: Admission,
) -> Blueprint:
    """Return the blueprint of `/v1`."""
    routes = Blueprint("openai", __name__, url_prefix=PREFIX)

    @routes.post("/completions")
    @documented(COMPLETIONS)
    def completions() -> Response:
        wire = read_body(CompletionRequest)
        model = models.get(wire.model)
        generations = resolve_completion(wire, model, settings)
        prompts = prompts_to_read(generations) if wire.reads_prompts else {}
        admission.charge(current_visit(), generations)
        admission.charge_reading(current_visit(), sum(map(len, prompts.values())))
        left = Event()
        who = caller(settings.deadline, streaming=wire.stream, left=left.is_set)
        read = scorer.details(prompts.values(), model, who)
        answers = [generator.open(generation, model, who) for generation in generations]
        record_answers(model.manifest.name, generations, answers)
        texts = Texts(wire, generations, answers, model)
        arrivals = texts.after_reading(prompts, read, merge(answers, left))
        return (_events if wire.stream else _whole)(texts, arrivals)

    @routes.get("/models")
    @documented(MODELS)
    def list_models() -> Response:
        store = models.store
        listed, faults = [], Faults()  # the faults are told by `GET /models`
        for name in store.names():
            with faults.of(name):
                listed.append(_model(name, store.manifest(name, models.current(name))))
        return _json(OpenAIModels(data=listed))

    @routes.get("/models/<name>")
    @documented(MODEL)
    def show_model(name: str) -> Response:
        return _json(_model(name, models.store.manifest(name, models.current(name))))

    return routes


def refuse(error: Exception) -> Response:
    """Return the response of an error, in OpenAI's form."""
    if isinstance(error, NotFound):
        error.description = NO_ROUTE
    status, body = _error(error)
    return refusal(error, status, _dump(body), in_utf8(JSON))


def _whole(texts: Texts, arrivals: Generator[Arrival]) -> Response:
    pieces = list(arrivals)
    return _json(_completion(texts) | texts.whole(pieces))


def _events(texts: Texts, arrivals: Generator[Arrival]) -> Response:
    head = _completion(texts)
    # The first arrival is read before the response begins: an error still gets its own status.
    first = next(arrivals)

    def events() -> Iterator[bytes]:
        try:
            for arrival in chain([first], arrivals):
                index, piece = arrival
                if piece is not None and not piece:
                    yield COMMENT
                parts: Iterable[Text | None] = [None] if piece is None else blocks(piece)
                yield from (event(_dump(head | texts.chunk(index, part))) for part in parts)
            if texts.counts_usage:
                yield event(_dump(head | {"usage": texts.usage()}))
            yield event("[DONE]")
        except ServiceError as error:
            yield event(_dump(_error(error)[1]))

    response = Response(events(), content_type=in_utf8(EVENTS), headers=STREAM_HEADERS)
    response.call_on_close(arrivals.close)
    return response


def _completion(texts: Texts) -> dict[str, Any]:
    """Return the fields of an answer without choices, in the form of the schema `Completion`."""
    return Completion(
        id=f"cmpl-{secrets.token_hex(12)}", created=int(time()), model=texts.model, choices=[]
    ).model_dump()


def _model(name: str, manifest: Manifest) -> OpenAIModel:
    return OpenAIModel(id=name, created=int(manifest.created.timestamp()))


def _error(error: Exception) -> tuple[int, OpenAIError]:
    problem = problem_of(error)
    status = problem["status"]
    kind = TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    fields = problem.get("errors", [{"field": None}])
    body = OpenAIErrorBody(
        message=problem["detail"], type=kind, param=fields[0]["field"], code=problem["code"]
    )
    return status, OpenAIError(error=body)


def _json(body: BaseModel | dict[str, Any]) -> Response:
    return Response(_dump(body), content_type=in_utf8(JSON))


def _dump(body: BaseModel | dict[str, Any]) -> str:
    return to_json(body, inf_nan_mode="null").decode()
