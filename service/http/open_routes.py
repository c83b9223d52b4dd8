"""Open routes: the routes that answer without a key."""

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


def open_to_everyone(view: View) -> View:
    """Open a route to requests without a key; a route without this decorator is closed."""
    view.__dict__["open_to_everyone"] = True
    return view


def is_open(view: Callable[..., Any] | None) -> bool:
    """Return whether a view answers without a key; None, a path without a route, is closed."""
    return getattr(view, "open_to_everyone", False) is True
