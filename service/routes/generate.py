"""`POST /generate`: seed text and temperature in, text out."""

from flask import Blueprint, Response, jsonify, request

from service.errors import UnsupportedMediaType
from service.generator import CacheUse, Generator
from service.models import Models
from service.resolve import resolve
from service.schemas import GenerateResponse, parse_generate
from service.settings import Settings


def generate_routes(models: Models, generator: Generator, settings: Settings) -> Blueprint:
    """Return the blueprint."""
    routes = Blueprint("generate", __name__)

    @routes.post("/generate")
    def generate() -> Response:
        if request.mimetype != "application/json":
            raise UnsupportedMediaType("send the request as Content-Type: application/json")
        wire = parse_generate(request.get_data())
        model = models.get(wire.model)
        generation = resolve(wire, model, settings)
        result = generator.generate(generation, model, _cache_use())
        answer = GenerateResponse(
            model=model.manifest.name,
            version=model.manifest.version,
            seed=generation.stream.seed,
            temperature=generation.stream.sampling.temperature,
            random_seed=generation.stream.sampling.random_seed,
            text=result.text,
            finish_reason="length",
            cached=result.cache == "hit",
        )
        response = jsonify(answer.model_dump())
        response.headers["X-Cache"] = result.cache
        return response

    return routes


def _cache_use() -> CacheUse:
    control = request.cache_control
    no_store = bool(control.no_store)
    return CacheUse(read=not (no_store or control.no_cache), write=not no_store)
