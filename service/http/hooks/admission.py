"""Admission: a closed route answers only a known key, within the limits of the minute."""

from service.errors import OverLimit, RateLimited
from service.http.allowance import Allowance
from service.http.hooks.visit import Visit
from service.keys import Keys
from service.stream.generation import Generation


class Admission:
    """Checks the key of each request and charges the client for requests and characters."""

    def __init__(self, keys: Keys, allowance: Allowance) -> None:
        self._keys = keys
        self._allowance = allowance

    def admit(self, visit: Visit, authorization: str, *, is_open: bool = False) -> None:
        """Admit a request with its Authorization header, empty if there is none.

        Raises:
            KeyRequired: the route is closed and the request has no known key.
            RateLimited: the client has no request left in this minute.
        """
        # A browser sends no key with OPTIONS, its question before a request to another origin.
        if visit.method == "OPTIONS" or is_open:
            return
        if self._keys:
            visit.client = self._keys.name_of(authorization)
        self._charge(visit, "requests", 1)

    def charge(self, visit: Visit, generations: list[Generation]) -> None:
        """Charge the client for the characters to read and to write, cached or not.

        Raises:
            RateLimited: the client has too few characters left in this minute.
            OverLimit: the characters are more than the limit of a minute.
        """
        characters = sum(len(each.seed) + each.length for each in generations)
        self._charge(visit, "characters", characters)

    def charge_reading(self, visit: Visit, characters: int) -> None:
        """Charge the client for characters that a model only reads.

        Raises:
            RateLimited: the client has too few characters left in this minute.
            OverLimit: the characters are more than the limit of a minute.
        """
        self._charge(visit, "characters", characters)

    def _charge(self, visit: Visit, kind: str, amount: int) -> None:
        spent = self._allowance.charge(visit.client, kind, amount)
        if spent is None:
            return
        visit.spent[kind] = spent
        if amount > spent.limit:
            raise OverLimit(
                f"{amount} {kind} at once are over the limit of {spent.limit} in a minute: ask for less"
            )
        if not spent.allowed:
            raise RateLimited(
                f"more than {spent.limit} {kind} in a minute; try again in {spent.seconds} s",
                spent.seconds,
            )
