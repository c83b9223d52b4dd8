"""Admission: a closed route answers only a known key, within the limits of the minute."""

from flask import current_app, request

from service.errors import RateLimited
from service.http.allowance import Allowance, Spent
from service.http.hooks.visit import Visit, current_visit
from service.http.open_routes import is_open
from service.keys import Keys
from service.stream.generation import Generation


class Admission:
    """Checks the key of each request and charges the client for requests and characters."""

    def __init__(self, keys: Keys, allowance: Allowance) -> None:
        self._keys = keys
        self._allowance = allowance

    def admit(self, visit: Visit) -> None:
        """Admit the current request.

        Raises:
            KeyRequired: the route is closed and the request has no known key.
            RateLimited: the client has no request left in this minute.
        """
        # A browser sends no key with OPTIONS, its question before a request to another origin.
        if visit.method == "OPTIONS" or _route_is_open():
            return
        if self._keys:
            authorization = request.headers.get("Authorization", "")
            visit.client = self._keys.name_of(authorization)
        self._charge(visit, "requests", 1)

    def charge(self, generations: list[Generation]) -> None:
        """Charge the client for the characters that the current request asks for.

        Raises:
            RateLimited: the client has too few characters left in this minute.
        """
        characters = sum(generation.length for generation in generations)
        self._charge(current_visit(), "characters", characters)

    def _charge(self, visit: Visit, kind: str, amount: int) -> None:
        spent = self._allowance.charge(visit.client, kind, amount)
        if spent is None:
            return
        visit.spent.append(spent)
        if not spent.allowed:
            raise RateLimited(_refusal(spent, amount), retry_after=spent.seconds)


def _route_is_open() -> bool:
    # The endpoint is None where no route has the request's path and method.
    return is_open(current_app.view_functions.get(request.endpoint or ""))


def _refusal(spent: Spent, amount: int) -> str:
    limit, kind = spent.limit, spent.kind
    if amount > limit:
        return f"{amount} {kind} at once are over the limit of {limit} in a minute"
    return f"more than {limit} {kind} in a minute; try again in {spent.seconds} s"
