"""`POST /inspect`: what a text leaves behind in the cells of a layer."""

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from model_store import ModelNotFound
from service import errors
from service.api.inspection import Inspection, rank, resolve_inspection
from service.api.inspection_schemas import InspectRequest, InspectResponse, UnitStates
from service.api.likely import likely_characters
from service.api.resolve import unknown_characters
from service.api.schemas import parse
from service.errors import UnsupportedMediaType
from service.http.openapi import JSON, Answer, Operation, describe
from service.models.loading import LoadedModel
from service.models.registry import Models
from service.settings import Settings
from service.stream.details import DIGITS, Reading

INSPECT = Operation(
    "Look inside the cell while it reads a text",
    tag="text",
    body=InspectRequest,
    examples={
        "one unit": {"text": "ROMEO:\nO, she doth teach!", "units": [7]},
        "units for upper case": {"text": "ROMEO:\nO, she!", "marked": [0, 1, 2, 3, 4, 7]},
    },
    answers={JSON: Answer(InspectResponse)},
    errors=[
        errors.MalformedJson,
        ModelNotFound,
        RequestEntityTooLarge,
        errors.UnsupportedMediaType,
        errors.InvalidRequest,
        errors.QueueFull,
        errors.EngineFailed,
        errors.ModelUnavailable,
        errors.Draining,
        errors.DeadlineExceeded,
    ],
)


def inspect_routes(models: Models, settings: Settings) -> Blueprint:
    """Return the blueprint."""
    routes = Blueprint("inspect", __name__)

    @routes.post("/inspect")
    @describe(INSPECT)
    def inspect() -> Response:
        if request.mimetype != "application/json":
            raise UnsupportedMediaType("send the request as Content-Type: application/json")
        wire = parse(InspectRequest, request.get_data())
        model = models.get(wire.model)
        architecture = model.manifest.architecture
        inspection = resolve_inspection(wire, architecture.layers, architecture.units)
        if problems := unknown_characters("text", inspection.text, model.vocabulary):
            raise errors.InvalidRequest(problems)
        ids = model.vocabulary.encode(inspection.text)
        reading = model.engine.inspect(ids, inspection.layer, settings.deadline)
        answer = _answer(inspection, reading, model)
        return Response(answer.model_dump_json(exclude_none=True), content_type=JSON)

    return routes


def _answer(inspection: Inspection, reading: Reading, model: LoadedModel) -> InspectResponse:
    architecture = model.manifest.architecture
    hidden, cell = reading.hidden.round(DIGITS), reading.cell.round(DIGITS)
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
