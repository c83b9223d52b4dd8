"""The part of `POST /generate` that answers a request with a `count`: many texts of one seed text."""

import threading
from collections.abc import Iterator

from flask import Response

from service.api.many.count import many_response, numbered, resolve_many
from service.api.schemas import GenerateRequest
from service.generation.generator import Answer, TextGenerator
from service.generation.many import Drawn, Dropped, draw_texts, kept_texts
from service.generation.parallel import MOST
from service.http.entity_tags import require_match
from service.http.hooks.admission import Admission
from service.http.hooks.visit import current_visit, record_answers
from service.http.media_types import JSON, in_utf8
from service.http.resumed import refuse_position
from service.http.routes.caller import caller
from service.models.loading import LoadedModel
from service.settings import Settings
from service.stream.generation import Generation


def answer_many(
    request: GenerateRequest,
    model: LoadedModel,
    generator: TextGenerator,
    settings: Settings,
    admission: Admission,
) -> Response:
    """Draw the texts of a request, charge the client for every drawn one, and return the answer."""
    first, wanted = resolve_many(request, model, settings)
    refuse_position()
    require_match()  # an answer with many texts has no tag
    answers: list[Answer] = []

    def draw(numbers: range) -> Iterator[Drawn]:
        generations = [numbered(first, number) for number in numbers]
        admission.charge(current_visit(), generations)
        abandoned = threading.Event()
        who = caller(settings.deadline, streaming=False, left=abandoned.is_set)

        def begin(generation: Generation) -> Answer:
            answers.append(generator.open(generation, model, who))
            return answers[-1]

        return draw_texts(generations, begin, who, min(MOST, settings.slots), abandoned)

    dropped = Dropped()
    texts = list(kept_texts(wanted, draw, dropped))
    record_answers(model.manifest.name, [first], answers)
    answer = many_response(first, model, texts, dropped)
    return Response(answer.model_dump_json(), content_type=in_utf8(JSON))
