"""The pattern of a request: its automaton over a model's characters, or what is wrong with it."""

from model_store import UNKNOWN
from service.errors import FieldProblem, InvalidRequest
from service.models.loading import LoadedModel
from service.stream.automaton import Automaton
from service.stream.pattern import automaton_of
from service.stream.positions import PatternError


def resolve_pattern(pattern: str, model: LoadedModel, length: int) -> tuple[Automaton, int]:
    """Return the automaton of a pattern, and the most characters that a text can have.

    Raises:
        InvalidRequest: no text of the model's characters and of at most `length` characters matches
            the pattern, the syntax is wrong or not supported, or the automaton is too large.
    """
    try:
        # No text has the unknown symbol, or the symbol at which a model of many short texts ends one.
        never = UNKNOWN + (model.text_end or "")
        automaton = automaton_of(pattern, model.vocabulary.symbols, never)
    except PatternError as error:
        raise InvalidRequest([FieldProblem("pattern", str(error))]) from None
    shortest, longest = automaton.shortest, automaton.longest
    if shortest is None:
        message = "no text in the characters that the model knows matches this pattern"
        if automaton.matches_empty:
            message = "the empty text alone matches this pattern"
        raise InvalidRequest([FieldProblem("pattern", message)])
    if shortest > length:
        message = (
            f"the shortest text has {shortest} characters, which is over the length of {length}"
        )
        raise InvalidRequest([FieldProblem("pattern", message)])
    return automaton, length if longest is None else min(length, longest)
