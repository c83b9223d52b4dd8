"""`POST /inspect`: the hidden and cell states of a layer at each character of a text."""

import numpy as np
from flask import Blueprint, Response

from service.api.inspection import Inspection, rank, resolve_inspection
from service.api.inspection_schemas import InspectRequest, InspectResponse, UnitStates
from service.api.likely import every_character, likely_characters
from service.api.resolve import unknown_characters
from service.errors import InvalidRequest
from service.http.hooks.admission import Admission
from service.http.hooks.visit import current_visit
from service.http.media_types import JSON
from service.http.operation import Operation, ResponseBody, documented
from service.http.routes.body import read_body
from service.http.routes.failures import MODEL_ERRORS
from service.models.loading import LoadedModel
from service.models.registry import Models
from service.settings import Settings
from service.stream.details import DIGITS, Reading

INSPECT = Operation(
    "Show the states of a layer's units while the model reads a text",
    tag="text",
    body=InspectRequest,
    examples={
        "one unit": {"text": "ROMEO:\nO, she doth teach!", "units": [7]},
        "what may come next": {"text": "ROMEO:\nO, she", "distribution": True},
        "units for upper case": {"text": "ROMEO:\nO, she!", "marked": [0, 1, 2, 3, 4, 7]},
    },
    responses={JSON: ResponseBody(InspectResponse)},
    errors=MODEL_ERRORS,
)


def inspect_routes(models: Models, settings: Settings, admission: Admission) -> Blueprint:
    """Return the blueprint of `/inspect`."""
    routes = Blueprint("inspect", __name__)

    @routes.post("/inspect")
    @documented(INSPECT)
    def inspect() -> Response:
        wire = read_body(InspectRequest)
        model = models.get(wire.model)
        architecture = model.manifest.architecture
        inspection = resolve_inspection(wire, architecture.layers, architecture.units)
        if problems := unknown_characters("text", inspection.text, model.vocabulary):
            raise InvalidRequest(problems)
        admission.charge_reading(current_visit(), len(inspection.text))
        ids = model.vocabulary.encode(inspection.text)
        reading = model.engine.inspect(ids, inspection.layer, settings.deadline)
        answer = _answer(inspection, reading, model)
        if wire.distribution:
            answer.after = every_character(reading.after, model.vocabulary)
        return Response(answer.model_dump_json(exclude_none=True), content_type=JSON)

    return routes


def _answer(inspection: Inspection, reading: Reading, model: LoadedModel) -> InspectResponse:
    architecture = model.manifest.architecture
    # Both states are [characters, units]; the response has one list for each unit.
    # Rounded as 64-bit numbers: a 32-bit number has more digits when a list widens it.
    hidden, cell = (
        states.astype(np.float64).round(DIGITS) for states in (reading.hidden, reading.cell)
    )
    return InspectResponse(
        model=model.manifest.name,
        version=model.manifest.version,
        text=inspection.text,
        layers=architecture.layers,
        layer=inspection.layer,
        width=architecture.units,
        units=[
            UnitStates(unit=unit, hidden=hidden[:, unit].tolist(), cell=cell[:, unit].tolist())
            for unit in inspection.units
        ],
        next=likely_characters(reading.likely, model.vocabulary),
        ranking=None if inspection.marked is None else rank(reading.cell, inspection.marked),
    )
