"""`POST /inspect`: states, gates and gradients at each character of a text."""

from time import monotonic

from flask import Blueprint, Response

from service.api.inspection import (
    Inspection,
    gradient_norms,
    rank,
    resolve_inspection,
    unit_map,
    unit_states,
)
from service.api.inspection_schemas import InspectRequest, InspectResponse
from service.api.likely import every_character, likely_characters
from service.http.hooks.admission import Admission
from service.http.hooks.visit import current_visit
from service.http.media_types import JSON, in_utf8
from service.http.operation import Operation, ResponseBody, documented
from service.http.routes.body import read_body
from service.http.routes.caller import caller
from service.http.routes.failures import GENERATION_ERRORS
from service.http.shares.turns import Turns
from service.models.loading import LoadedModel
from service.models.registry import Models
from service.settings import Settings
from service.stream.details import Reading

INSPECT = Operation(
    "Show what a model computes inside while it reads a text",
    tag="text",
    body=InspectRequest,
    examples={
        "one unit": {"text": "ROMEO:\nO, she doth teach!", "units": [7]},
        "the gates of a unit": {"text": "ROMEO:\nO, she!", "units": [7], "gates": True},
        "a map of all units": {"text": "ROMEO:\nO, she!", "map": True},
        "what the last character depends on": {"text": "ROMEO:\nO, she!", "gradient_at": 13},
        "what may come next": {"text": "ROMEO:\nO, she", "distribution": True},
        "units for upper case": {"text": "ROMEO:\nO, she!", "marked": [0, 1, 2, 3, 4, 7]},
    },
    responses={JSON: ResponseBody(InspectResponse)},
    errors=GENERATION_ERRORS,
)


def inspect_routes(models: Models, settings: Settings, admission: Admission) -> Blueprint:
    """Return the blueprint of `/inspect`."""
    routes = Blueprint("inspect", __name__)
    turns = Turns()

    @routes.post("/inspect")
    @documented(INSPECT)
    def inspect() -> Response:
        wire = read_body(InspectRequest)
        model = models.get(wire.model)
        inspection = resolve_inspection(wire, model.manifest.architecture, model.vocabulary)
        admission.charge_reading(current_visit(), len(inspection.text))
        ids = model.vocabulary.encode(inspection.text)
        who = caller(settings.deadline, streaming=False)
        with turns.turn(who.client, who.deadline, who.connected):
            seconds = max(0.0, who.deadline - monotonic())
            reading = model.engine.inspect(ids, inspection.look, seconds)
        answer = _answer(inspection, reading, model)
        if wire.map:
            answer.map = unit_map(reading.cell)
        if wire.distribution:
            answer.after = every_character(reading.after, model.vocabulary)
        return Response(answer.model_dump_json(exclude_none=True), content_type=in_utf8(JSON))

    return routes


def _answer(inspection: Inspection, reading: Reading, model: LoadedModel) -> InspectResponse:
    architecture = model.manifest.architecture
    return InspectResponse(
        model=model.manifest.name,
        version=model.manifest.version,
        text=inspection.text,
        layers=architecture.layers,
        layer=inspection.look.layer,
        width=architecture.units,
        units=unit_states(inspection.units, reading),
        next=likely_characters(reading.likely, model.vocabulary),
        ranking=None if inspection.marked is None else rank(reading.cell, inspection.marked),
        gradient=None if inspection.look.gradient_at is None else gradient_norms(reading),
    )
