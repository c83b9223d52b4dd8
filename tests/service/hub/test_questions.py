"""Orders of a worker that get one answer each."""

import pytest

from service.errors import Draining
from service.hub.messages import Find, Found, Open
from service.hub.worker.questions import Questions
from tests.hubs import spec


def test_an_answer_reaches_its_asker() -> None:
    """An answer goes to the question of its number and to no other."""
    questions = Questions()
    one, other = (questions.add(Find(number, ["key"])) for number in (1, 2))
    questions.answer(1, Found(1, None))
    assert one.answer.result(0) == Found(1, None)
    assert not other.answer.done()


def test_a_dead_hub_answers_all_but_those_who_open() -> None:
    """When the hub has died, those who open an engine wait for the next hub; others get None."""
    questions = Questions()
    opening = questions.add(Open(1, spec(), []))
    finding = questions.add(Find(2, ["key"]))
    questions.hub_died()
    assert finding.answer.result(0) is None
    assert not opening.answer.done()


def test_closed_questions() -> None:
    """Closing answers None to all, and refuses further questions with the error."""
    questions = Questions()
    finding = questions.add(Find(1, ["key"]))
    questions.close(Draining("stopping"))
    assert finding.answer.result(0) is None
    with pytest.raises(Draining):
        questions.add(Find(2, ["key"]))
