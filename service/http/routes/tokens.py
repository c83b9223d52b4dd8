"""`/tokenize`, `/detokenize` and `/tokenizer_info`, in vLLM's form; a token is a character."""

from flask import Blueprint, Response

from model_store import UNKNOWN
from service.api.resolve import characters_of, readable
from service.api.token_schemas import (
    DetokenizeRequest,
    DetokenizeResponse,
    TokenizeRequest,
    TokenizeResponse,
    TokenizerInfo,
)
from service.errors import InvalidRequest
from service.http.media_types import JSON, in_utf8
from service.http.operation import Operation, ResponseBody, documented
from service.http.routes.body import read_body
from service.http.routes.failures import MODEL_ERRORS
from service.models.registry import Models
from service.settings import Settings

TOKENIZE = Operation(
    "Show the token ids of a text, in vLLM's form",
    tag="OpenAI",
    body=TokenizeRequest,
    examples={"a text": {"prompt": "ROMEO:"}},
    responses={JSON: ResponseBody(TokenizeResponse)},
    errors=MODEL_ERRORS,
)
DETOKENIZE = Operation(
    "Show the text of token ids, in vLLM's form",
    tag="OpenAI",
    body=DetokenizeRequest,
    examples={"a text": {"tokens": [30, 27, 25, 17, 27, 10]}},
    responses={JSON: ResponseBody(DetokenizeResponse)},
    errors=MODEL_ERRORS,
)
INFO = Operation(
    "Show the tokenizer of the default model, in vLLM's form",
    tag="OpenAI",
    responses={JSON: ResponseBody(TokenizerInfo)},
    errors=MODEL_ERRORS,
)


def token_routes(models: Models, settings: Settings) -> Blueprint:
    """Return the blueprint of the tokenizer."""
    routes = Blueprint("tokens", __name__)

    @routes.post("/tokenize")
    @documented(TOKENIZE)
    def tokenize() -> Response:
        wire = read_body(TokenizeRequest)
        vocabulary = models.get(wire.model).vocabulary
        text, problems = readable("prompt", wire.prompt, wire.unknown, vocabulary)
        if problems:
            raise InvalidRequest(problems)
        answer = TokenizeResponse(
            count=len(text),
            max_model_len=settings.max_seed_chars + settings.max_length,
            tokens=vocabulary.encode(text).tolist(),
            token_strs=[*text] if wire.return_token_strs else None,
        )
        return Response(answer.model_dump_json(), content_type=in_utf8(JSON))

    @routes.post("/detokenize")
    @documented(DETOKENIZE)
    def detokenize() -> Response:
        wire = read_body(DetokenizeRequest)
        text = characters_of("tokens", wire.tokens, models.get(wire.model).vocabulary)
        return Response(
            DetokenizeResponse(prompt=text).model_dump_json(), content_type=in_utf8(JSON)
        )

    @routes.get("/tokenizer_info")
    @documented(INFO)
    def tokenizer_info() -> Response:
        model = models.get(None)
        answer = TokenizerInfo(
            vocab_size=len(model.vocabulary),
            bos_token=model.prompt(""),
            eos_token=model.prompt(""),
            unk_token=UNKNOWN if UNKNOWN in model.vocabulary.known else None,
        )
        return Response(answer.model_dump_json(), content_type=in_utf8(JSON))

    return routes
