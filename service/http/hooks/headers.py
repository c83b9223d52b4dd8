"""The headers of every response: request id, browser security, rate limits."""

from flask import Response

from service.http.allowance import MINUTE
from service.http.hooks.visit import current_visit

PAGE_POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"


def set_headers(response: Response) -> Response:
    """Set the headers that every response has."""
    _set_security(response)
    _set_rate_limits(response)
    response.headers["X-Request-ID"] = current_visit().request_id
    return response


def _set_security(response: Response) -> None:
    """Forbid sniffing, framing and referrers, and all loading from elsewhere.

    https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html
    """
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    policy = PAGE_POLICY if response.mimetype == "text/html" else DATA_POLICY
    response.headers.setdefault("Content-Security-Policy", policy)


def _set_rate_limits(response: Response) -> None:
    """Name each limit and the rest of the allowance (draft-ietf-httpapi-ratelimit-headers)."""
    spent = current_visit().spent
    if not spent:
        return
    limits = [f'"{each.kind}";q={each.limit};w={MINUTE}' for each in spent]
    rests = [f'"{each.kind}";r={each.left};t={each.seconds}' for each in spent]
    response.headers["RateLimit-Policy"] = ", ".join(limits)
    response.headers["RateLimit"] = ", ".join(rests)
