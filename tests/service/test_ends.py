"""A model of many short texts begins a text, goes on with a beginning, and ends the text."""

from pathlib import Path

import openai

from model_store import TEXT_END
from tests.factories import SYMBOLS, publish_random_model
from tests.servers import Service, serving


def names(service: Service, **fields: object) -> dict:
    answer = service.generate({"Cache-Control": "no-store"}, model="names", **fields)
    assert answer.status == 200
    return answer.json


def test_an_empty_seed_text_begins_a_text_that_ends(service: Service) -> None:
    """The text ends before the first line end with the reason `end`, and has no line end."""
    answer = names(service, seed="", length=5000)
    assert answer["finish_reason"] == "end"
    assert "\n" not in answer["text"]
    assert answer["seed"] == ""


def test_a_seed_text_is_the_beginning_of_a_text(service: Service) -> None:
    """What follows a seed text does not depend on a text that ended in it."""
    alone = names(service, seed="Bern", length=5000)
    assert alone["finish_reason"] == "end"
    after = names(service, seed="Ulm\nBern", length=5000)
    assert after["text"] == alone["text"]


def test_a_text_of_several_lines_ends_with_its_own_symbol(tmp_path: Path) -> None:
    """A model whose vocabulary has END OF TEXT writes line ends, and ends a text before END OF TEXT."""
    publish_random_model(tmp_path / "store", "verses", texts=40, symbols=(TEXT_END, *SYMBOLS))
    with serving(tmp_path / "log", store=tmp_path / "store", model="verses") as service:
        answers = [service.generate(seed="", length=5000, random_seed=n).json for n in range(20)]
    assert {answer["finish_reason"] for answer in answers} == {"end"}
    assert not any(TEXT_END in answer["text"] for answer in answers)
    assert any("\n" in answer["text"] for answer in answers)


def test_a_text_may_be_cut_before_its_end(service: Service) -> None:
    """`length` and `stop` cut a text before its end, with their own reasons."""
    whole = names(service, seed="Wa", length=5000)["text"]
    cut = names(service, seed="Wa", length=len(whole))
    assert (cut["text"], cut["finish_reason"]) == (whole, "length")
    stopped = names(service, seed="Wa", length=5000, stop=[whole[-2:]])
    assert (stopped["finish_reason"], stopped["text"]) == ("stop", whole[: whole.index(whole[-2:])])


def test_a_cached_text_ends_too(service: Service) -> None:
    """A text that is asked again comes from the cache with the same end."""
    first, again = (service.generate(model="names", seed="Wa", length=5000) for _ in range(2))
    assert again.headers["x-cache"] == "hit"
    assert again.json == first.json | {"cached": True}


def test_a_streamed_text_ends(service: Service) -> None:
    """The events add up to the same text and give the same reason."""
    stream = service.stream(model="names", seed="Wa", length=5000)
    *pieces, (_, summary) = stream
    stream.close()
    whole = names(service, seed="Wa", length=5000)
    assert "".join(data["text"] for _, data in pieces) == whole["text"]
    assert summary["finish_reason"] == "end"


def test_openais_reason_is_stop(service: Service) -> None:
    """OpenAI's route gives the same text with OpenAI's own reason for an end."""
    base = f"http://127.0.0.1:{service.port}/v1"
    with openai.OpenAI(base_url=base, api_key="none", max_retries=0) as client:
        answer = client.completions.create(model="names", prompt="Wa", max_tokens=5000, seed=0)
    (choice,) = answer.choices
    assert choice.finish_reason == "stop"
    assert choice.text == names(service, seed="Wa", length=5000)["text"]
