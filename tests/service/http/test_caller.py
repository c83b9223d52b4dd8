"""The caller of a request has what the request says of its connection, its time and the cache."""

from flask import Flask, request

from service.http.hooks.visit import begin_visit
from service.http.routes.caller import caller


def test_all_that_a_request_asks_for_has_one_deadline() -> None:
    """Each caller of a request has the same deadline, counted from the beginning of the request."""
    with Flask(__name__).test_request_context():
        visit = begin_visit(request.environ, "/generate")
        first, second = (caller(60, streaming=False) for _ in range(2))
    assert first.deadline == second.deadline == visit.began + 60
