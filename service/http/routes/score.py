"""`POST /score`: how likely a model finds each of many texts."""

from flask import Blueprint, Response

from service.api.many.score_schemas import ScoreRequest, ScoreResponse
from service.api.many.scores import resolve_score, score_response
from service.api.resolve import too_much_together
from service.errors import InvalidRequest
from service.generation.scores import TextScorer
from service.http.hooks.admission import Admission
from service.http.hooks.visit import current_visit
from service.http.media_types import JSON, in_utf8
from service.http.operation import Operation, ResponseBody, documented
from service.http.routes.body import read_body
from service.http.routes.caller import caller
from service.http.routes.failures import GENERATION_ERRORS
from service.models.registry import Models
from service.settings import Settings

SCORE = Operation(
    "Show how likely a model finds each of many texts",
    tag="text",
    body=ScoreRequest,
    examples={
        "two texts": {"texts": ["O, she doth teach the torches", "she teaches torches"]},
        "after a context": {"texts": ["O Romeo", "o mail"], "context": "JULIET:\n"},
    },
    responses={JSON: ResponseBody(ScoreResponse)},
    errors=GENERATION_ERRORS,
)


def score_routes(
    models: Models, scorer: TextScorer, settings: Settings, admission: Admission
) -> Blueprint:
    """Return the blueprint of `/score`."""
    routes = Blueprint("score", __name__)

    @routes.post("/score")
    @documented(SCORE)
    def score() -> Response:
        wire = read_body(ScoreRequest)
        model = models.get(wire.model)
        given = resolve_score(wire, model, settings)
        characters = sum(map(len, given))
        if problems := too_much_together("texts", characters):
            raise InvalidRequest(problems)
        admission.charge_reading(current_visit(), characters)
        who = caller(settings.deadline, streaming=False)
        details = scorer.details(given, model, who)
        answer = score_response(wire, given, details, model)
        return Response(answer.model_dump_json(exclude_none=True), content_type=in_utf8(JSON))

    return routes
