"""The only assembler: settings in, application out."""

import re
import secrets
from functools import partial
from time import monotonic

from flask import Flask, Response, g, request

from service.auth import Keys, is_open
from service.cache import MemoryBytes, RedisBytes, StreamCache
from service.generator import Generator
from service.http_errors import register_errors
from service.models import Models
from service.offered import offered_models
from service.reload import Reloader
from service.routes.documents import documents_routes
from service.routes.generate import generate_routes
from service.routes.health import health_routes
from service.routes.models import models_routes
from service.routes.openai import openai_routes
from service.routes.page import page_routes
from service.settings import Settings
from service.telemetry import Telemetry

MAX_BODY = 1_000_000  # bytes; the longest seed text escaped as \uXXXX needs a tenth of it
MAX_DRAINED = 32_000_000  # bytes read from a client that is still sending, so that it hears of it
REQUEST_ID = re.compile(r"[\w.:-]{1,128}")


class Charloom(Flask):
    """The application, with what must be closed when it ends."""

    def __init__(self, models: Models, generator: Generator, reload_seconds: float) -> None:
        super().__init__("service", static_folder=None)
        self._models, self._generator = models, generator
        self._reloader = Reloader(models.refresh, reload_seconds)

    def reload(self) -> None:
        """Look at the model store again, soon and in the background."""
        self._reloader.ask()

    def close(self) -> None:
        """End every engine, thread and connection."""
        self._reloader.close()
        self._models.close()
        self._generator.close()


def create_app(settings: Settings | None = None) -> Charloom:
    """Assemble the service and load its default model.

    Raises:
        StoreError, ModelUnavailable: the default model is not there or cannot be loaded.
    """
    settings = settings or Settings()
    telemetry = Telemetry()
    models = Models(offered_models(settings), settings, telemetry)
    generator = Generator(_cache(settings, telemetry), telemetry, settings.deadline)
    app = Charloom(models, generator, settings.reload_seconds)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.register_blueprint(generate_routes(models, generator, settings))
    app.register_blueprint(openai_routes(models, generator, settings))
    app.register_blueprint(models_routes(models))
    app.register_blueprint(health_routes(models, telemetry))
    app.register_blueprint(documents_routes(settings))
    app.register_blueprint(page_routes())
    register_errors(app)
    app.before_request(_take_request_id)
    if keys := Keys(settings.all_keys()):
        app.before_request(partial(_check_key, keys))
    app.after_request(partial(_count, telemetry))
    app.after_request(_give_request_id)
    app.after_request(_drain_body)
    models.get(None)
    return app


def _cache(settings: Settings, telemetry: Telemetry) -> StreamCache:
    def failed(layer: str) -> None:
        telemetry.cache_errors.labels(layer).inc()

    if settings.redis_url is None:
        return StreamCache(MemoryBytes(settings.cache_megabytes * 1_000_000), failed)
    redis = RedisBytes(settings.redis_url, settings.redis_timeout, settings.cache_ttl, failed)
    return StreamCache(redis, failed)


def _take_request_id() -> None:
    g.began = monotonic()
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


def _check_key(keys: Keys) -> None:
    if request.url_rule is None or not is_open(request.url_rule.rule):
        g.key_name = keys.name_of(request.headers.get("Authorization", ""))


def _count(telemetry: Telemetry, response: Response) -> Response:
    """Count the answer now, and how long it took when its last byte is out."""
    route = request.url_rule.rule if request.url_rule else "none"
    telemetry.requests.labels(request.method, route, response.status_code).inc()
    seconds, began = telemetry.request_seconds.labels(route), g.began
    response.call_on_close(lambda: seconds.observe(monotonic() - began))
    return response


def _give_request_id(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    return response


def _drain_body(response: Response) -> Response:
    """Read what is left of a refused body: closing early would reset the client's connection."""
    body = request.environ["wsgi.input"]
    for _ in range(MAX_DRAINED // MAX_BODY):
        if not body.read(MAX_BODY):
            break
    return response
