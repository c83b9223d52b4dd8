"""The assembly of the application from the settings."""

import logging

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from model_store import StoreUnavailable
from service.cache.memory import MemoryBytes
from service.cache.streams import StreamCache
from service.generation.generator import TextGenerator
from service.http.allowance import Allowance
from service.http.errors import register_errors
from service.http.hooks.admission import Admission
from service.http.hooks.order import register_hooks
from service.http.routes.documents import documents_routes
from service.http.routes.generate import generate_routes
from service.http.routes.health import health_routes
from service.http.routes.inspect import inspect_routes
from service.http.routes.models import models_routes
from service.http.routes.openai import PREFIX, openai_routes
from service.http.routes.openai import refuse as refuse_as_openai
from service.http.routes.page import page_routes
from service.http.tracing import trace
from service.keys import Keys
from service.models.offered import offered_models
from service.models.registry import Models
from service.models.reload import Reloader
from service.settings import Settings
from service.telemetry import Telemetry

log = logging.getLogger(__name__)


class Charloom(Flask):
    """The Flask application and its models, generator and reloader, which `close` ends."""

    def __init__(self, models: Models, generator: TextGenerator, reload_seconds: float) -> None:
        super().__init__("service", static_folder=None)
        self._models, self._generator = models, generator
        self._reloader = Reloader(models.refresh, reload_seconds)

    def reload(self) -> None:
        """Refresh the models from the store, in the background."""
        self._reloader.ask()

    def close(self) -> None:
        """End every engine, thread and connection."""
        self._reloader.close()
        self._models.close()
        self._generator.close()


def create_app(settings: Settings | None = None) -> Charloom:
    """Assemble the application and load the default model, unless the store is unavailable.

    Raises:
        StoreError, ModelUnavailable: the default model does not exist or cannot be loaded.
    """
    settings = settings or Settings()
    telemetry = Telemetry()
    models = Models(offered_models(settings), settings, telemetry)
    generator = TextGenerator(_cache(settings, telemetry), telemetry, settings.deadline)
    app = Charloom(models, generator, settings.reload_seconds)
    admission = Admission(Keys(settings.all_keys()), Allowance(settings))
    register_hooks(app, settings, telemetry, admission)
    app.register_blueprint(generate_routes(models, generator, settings, admission))
    app.register_blueprint(openai_routes(models, generator, settings, admission))
    app.register_blueprint(inspect_routes(models, settings))
    app.register_blueprint(models_routes(models))
    app.register_blueprint(health_routes(models, telemetry))
    app.register_blueprint(documents_routes(settings))
    app.register_blueprint(page_routes())
    register_errors(app, {PREFIX: refuse_as_openai})
    trace(app)
    proxies = settings.trusted_proxies
    if proxies:
        trusted = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)
        app.wsgi_app = trusted  # type: ignore[method-assign]
    try:
        models.get(None)
    except StoreUnavailable as error:
        # A worker that fails at its start ends the whole service, the healthy workers included.
        log.warning("not ready before the store is: %s", error)
    return app


def _cache(settings: Settings, telemetry: Telemetry) -> StreamCache:
    def failed(layer: str) -> None:
        telemetry.cache_errors.labels(layer).inc()

    if settings.redis_url is None:
        return StreamCache(MemoryBytes(settings.cache_megabytes * 1_000_000), failed)
    # The library takes 9 MB of memory, which a service without Redis saves.
    from service.cache.redis_bytes import RedisBytes  # noqa: PLC0415

    redis = RedisBytes(settings.redis_url, settings.redis_timeout, settings.cache_ttl, failed)
    return StreamCache(redis, failed)
