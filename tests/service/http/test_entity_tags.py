"""Entity tags: equal tags for equal bytes alone."""

import dataclasses
from typing import Any

import pytest
from flask import Flask

from service.http.entity_tags import EntityTags, entity_tags
from service.stream.generation import Generation, Sampling, Stream
from tests.fake_engines import fake_model

MODEL = fake_model()
STREAM = Stream("identity", "\n", Sampling(1.0, None, None, 0))
GENERATION = Generation(STREAM, seed="\n", length=9)


def test_equal_generations_have_equal_tags() -> None:
    """The tags follow from the generation and the model, and nothing else."""
    again = dataclasses.replace(GENERATION, stream=dataclasses.replace(STREAM))
    assert entity_tags(GENERATION, MODEL) == entity_tags(again, MODEL)


@pytest.mark.parametrize(
    "change",
    [
        {"length": 8},
        {"stop": ("a",)},
        {"wants_details": True},
        {"seed": ""},
        {"stream": dataclasses.replace(STREAM, identity="another")},
        {"stream": dataclasses.replace(STREAM, sampling=Sampling(0.5, None, None, 0))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_changes_the_bytes_changes_the_tags(change: dict[str, Any]) -> None:
    """Another place to cut, seed text, model or sampling, or details give other tags."""
    before = entity_tags(GENERATION, MODEL)
    after = entity_tags(dataclasses.replace(GENERATION, **change), MODEL)
    assert {before.computed, before.cached}.isdisjoint({after.computed, after.cached})


def test_a_copy_of_a_model_has_tags_of_its_own() -> None:
    """The answer names the version, so the same files under another version have other tags."""
    manifest = MODEL.manifest.model_copy(update={"version": 4})
    copy = dataclasses.replace(MODEL, manifest=manifest)
    assert entity_tags(GENERATION, MODEL) != entity_tags(GENERATION, copy)


def test_the_two_forms_have_two_tags() -> None:
    """A fresh and a cached answer differ in the field `cached`, so strong tags differ."""
    tags = entity_tags(GENERATION, MODEL)
    assert tags.computed != tags.cached


@pytest.mark.parametrize(
    ("sent", "held"),
    [
        ('"a"', "a"),
        ('"a-cached"', "a-cached"),
        ('W/"a"', "a"),
        ('"other", "a"', "a"),
        ("*", "a-cached"),
        ('"other"', None),
        ("a b ,, \x80", None),
        ("", None),
    ],
)
def test_the_tag_that_a_client_holds(sent: str, held: str | None) -> None:
    """`If-None-Match` is a list, compared weakly; a star names every answer, nonsense none."""
    with Flask(__name__).test_request_context(headers={"If-None-Match": sent} if sent else {}):
        assert EntityTags("a", "a-cached").held() == held
