"""The headers of every response: request id, browser security, rate limits."""

from service.http.allowance import Spent
from service.http.hooks.visit import Visit
from service.hub.counters import MINUTE

PAGE_POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"


def _security(policy: str) -> list[tuple[str, str]]:
    """Return the headers that forbid sniffing, framing and referrers, and all loading from elsewhere.

    https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html
    """
    return [
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Content-Security-Policy", policy),
    ]


PAGE, DATA = _security(PAGE_POLICY), _security(DATA_POLICY)


def every_header(visit: Visit, *, page: bool) -> list[tuple[str, str]]:
    """Return the headers that every response has; no route sets one of them."""
    security = PAGE if page else DATA
    return [*security, ("X-Request-ID", visit.request_id), *_limits([*visit.spent.values()])]


def _limits(spent: list[Spent]) -> list[tuple[str, str]]:
    """Name each limit and the rest of the allowance (draft-ietf-httpapi-ratelimit-headers)."""
    if not spent:
        return []
    limits = [f'"{each.kind}";q={each.limit};w={MINUTE}' for each in spent]
    rests = [f'"{each.kind}";r={each.left};t={each.seconds}' for each in spent]
    return [("RateLimit-Policy", ", ".join(limits)), ("RateLimit", ", ".join(rests))]
