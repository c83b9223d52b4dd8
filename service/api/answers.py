"""Answers of `POST /generate` as JSON: whole texts, pieces of streams, and the summary at a stream's end."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from service.api.explained import explained, explained_json
from service.api.schemas import GenerateResponse, GenerateSummary
from service.generation.generator import Answer
from service.models.loading import LoadedModel
from service.stream.generation import Generation
from service.stream.text import Text


def whole_json(
    pieces: Sequence[Text], generation: Generation, model: LoadedModel, answer: Answer
) -> bytes:
    """Return a whole answer, in the form of the schema `GenerateResponse`; all pieces are read."""
    text = "".join(piece.characters for piece in pieces)
    fields = GenerateResponse(**_summary(generation, model, answer), text=text)
    body = _json(fields).encode()
    if not generation.wants_details:
        return body
    # Pydantic's objects would take ten times the time of the plain values, and the memory of all.
    return b'%b,"details":%b}' % (body[:-1], explained_json(pieces, model.vocabulary))


def piece_json(piece: Text, generation: Generation, model: LoadedModel) -> str:
    """Return a piece of a stream, with the details of its characters if the request wants details."""
    values: dict[str, Any] = {"text": piece.characters}
    if generation.wants_details:
        values["details"] = explained(piece, model.vocabulary)
    return json.dumps(values, ensure_ascii=False, sort_keys=True)


def summary_json(generation: Generation, model: LoadedModel, answer: Answer) -> str:
    """Return the end of a stream, in the form of the schema `GenerateSummary`."""
    return _json(GenerateSummary(**_summary(generation, model, answer)))


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


def _json(body: BaseModel) -> str:
    return body.model_dump_json(exclude_none=True)
