"""The environment at the start of the service: the settings, and what is wrong with the variables."""

import os
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import ValidationError

from service.settings import PREFIX, Settings

# The variables that the training job reads, which may stand in the same environment.
OF_TRAINING = {"CHARLOOM_RUNS"}

SHOWN = 80  # characters of a value


# A worker that starts later inherits the result, so that a keys file or a folder that is gone meanwhile
# cannot keep the worker from starting.
@cache
def settings_at_start() -> Settings:
    """Return the settings of this process and of the processes that are forked from it.

    Raises:
        ValidationError: at least one variable has a bad value.
    """
    return Settings()


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"{PREFIX}{name.upper()}"


def problems(error: ValidationError) -> list[str]:
    """Return one line for each bad value, which names the variable, the value and what is allowed."""
    names = {variable(name): name for name in Settings.model_fields} | {
        name: name for name in Settings.model_fields
    }
    return [
        _problem(names[str(detail["loc"][0])], detail) for detail in error.errors(include_url=False)
    ]


def unknown_variables() -> list[str]:
    """Return the variables `CHARLOOM_…` that are no setting, each with the most similar setting."""
    known = {variable(name) for name in Settings.model_fields} | OF_TRAINING
    found = sorted(name for name in os.environ if name.upper().startswith(PREFIX))
    return [_with_guess(name) for name in found if name.upper() not in known]


def _with_guess(name: str) -> str:
    guesses = get_close_matches(name.lower().removeprefix(PREFIX.lower()), Settings.model_fields, 1)
    return f"{name} (is {variable(guesses[0])} meant?)" if guesses else name


def _problem(name: str, detail: Any) -> str:
    shown = repr(str(detail["input"])[:SHOWN]) if Settings.model_fields[name].repr else "the value"
    return f"{variable(name)}: {shown} is not allowed: {_allowed(name, detail)}"


def _allowed(name: str, detail: Any) -> str:
    """Return what is allowed: the range of a number, else the words of the check that failed."""
    field = Settings.model_fields[name]
    if field.annotation is bool:
        return "use True or False"
    if field.annotation not in (int, float):
        return str(detail["msg"]).removeprefix("Value error, ")
    kind = "a whole number" if field.annotation is int else "a number"
    least, above, most = (
        next((getattr(bound, key) for bound in field.metadata if hasattr(bound, key)), None)
        for key in ("ge", "gt", "le")
    )
    return f"use {kind} {f'above {above}' if least is None else f'from {least}'} up to {most}"
