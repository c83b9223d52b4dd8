"""The assembly of the application from the settings."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Protocol, TypeVar

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from model_store import StoreError, StoreUnavailable
from service.cache.streams import StreamCache
from service.environment import settings_at_start
from service.errors import ModelUnavailable
from service.generation.generator import TextGenerator
from service.generation.scores import TextScorer
from service.generation.stopping import Stopping
from service.http.allowance import Allowance
from service.http.errors import register_errors
from service.http.hooks.admission import Admission
from service.http.hooks.order import Steps, register_hooks
from service.http.hub_counts import HubCounts
from service.http.ready import ReadyAnswers
from service.http.repeat import Repeats
from service.http.routes.batch import batch_routes
from service.http.routes.documents import documents_routes
from service.http.routes.generate import generate_routes
from service.http.routes.health import health_routes
from service.http.routes.inspect import inspect_routes
from service.http.routes.models import models_routes
from service.http.routes.openai import PREFIX, openai_routes
from service.http.routes.openai import refuse as refuse_as_openai
from service.http.routes.page import page_routes
from service.http.routes.score import score_routes
from service.http.routes.tokens import token_routes
from service.http.tracing import trace
from service.hub.keeper import WatchedKeeper
from service.hub.rendezvous import Rendezvous
from service.hub.worker.client import HubClient
from service.hub.worker.shared_memory import SharedMemory
from service.keys import Keys
from service.models.offered import offered_models
from service.models.registry import Models
from service.models.reload import Reloader
from service.settings import Settings
from service.telemetry import Telemetry

log = logging.getLogger(__name__)

READY_SHARE = 8  # of the size of the cache in memory, for the ready answers of each worker


class Closable(Protocol):
    """A part of the application that ends its threads, connections and engines."""

    def close(self) -> None:
        """End them."""


Part = TypeVar("Part", bound=Closable)


class Charloom(Flask):
    """The Flask application, which ends its parts when the application is closed."""

    def __init__(self) -> None:
        super().__init__("service", static_folder=None)
        self._parts = ExitStack()
        self.stopping = Stopping()
        """The service's end, which the worker of the server announces."""
        self.reload: Callable[[], None]
        """Refreshes the models from the store, in the background."""

    def own(self, part: Part) -> Part:
        """Take a part, to be closed before the parts that were taken earlier."""
        self._parts.callback(part.close)
        return part

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function as it is: no route or step is a coroutine.

        Flask would inspect each function anew in each request.
        """
        return func

    def close(self) -> None:
        """End every thread and connection, and the engines that no other worker needs."""
        self._parts.close()


def create_app(
    settings: Settings | None = None,
    rendezvous: Rendezvous | None = None,
    *,
    may_wait: bool = False,
) -> Charloom:
    """Assemble the application and load the default model, unless the store is unavailable.

    The application computes in the hub of the rendezvous; without one, in a hub of its own. An
    application that may wait for its default model is not ready before the model can be loaded.

    Raises:
        StoreError, ModelUnavailable: the default model does not exist or cannot be loaded.
    """
    app = Charloom()
    try:
        models = _assemble(app, settings or settings_at_start(), rendezvous)
        default = models.get(None).manifest
        log.info("%s@%d answers by default", default.name, default.version)
    except (StoreError, ModelUnavailable) as error:
        if not (may_wait or isinstance(error, StoreUnavailable)):
            app.close()
            raise
        log.warning("not ready before the default model is: %s", error)
    return app


def _assemble(app: Charloom, settings: Settings, rendezvous: Rendezvous | None) -> Models:
    """Give the application its parts, and return the models."""
    telemetry = Telemetry()
    if rendezvous is None:
        rendezvous = app.own(WatchedKeeper(settings)).rendezvous
    hub = app.own(HubClient(rendezvous, telemetry))
    cache = _cache(settings, hub, telemetry)
    generator = app.own(TextGenerator(cache, telemetry, app.stopping))
    scorer = TextScorer(telemetry, settings.slots, app.stopping)
    models = app.own(Models(offered_models(settings), settings, hub, telemetry))
    app.reload = app.own(Reloader(models.refresh, settings.reload_seconds)).ask
    allowance = app.own(_allowance(settings, hub, telemetry))
    admission = Admission(Keys(settings.all_keys()), allowance)
    steps = Steps(settings, telemetry, admission)
    ready = ReadyAnswers(settings.cache_megabytes * 1_000_000 // READY_SHARE)
    register_hooks(app, steps)
    app.register_blueprint(generate_routes(models, generator, settings, admission, ready))
    app.register_blueprint(batch_routes(models, generator, settings, admission))
    app.register_blueprint(openai_routes(models, generator, scorer, settings, admission))
    app.register_blueprint(inspect_routes(models, settings, admission))
    app.register_blueprint(score_routes(models, scorer, settings, admission))
    app.register_blueprint(token_routes(models, settings))
    app.register_blueprint(models_routes(models))
    health = health_routes(models, telemetry, [models, cache, allowance, telemetry], app.stopping)
    app.register_blueprint(health)
    app.register_blueprint(documents_routes(settings))
    app.register_blueprint(page_routes())
    register_errors(app, {PREFIX: refuse_as_openai})
    if not trace(app):  # a span of a request begins and ends in Flask
        repeats = Repeats(app.wsgi_app, ready, models, steps, telemetry)
        app.wsgi_app = repeats  # type: ignore[method-assign]
    proxies = settings.trusted_proxies
    if proxies:
        trusted = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)
        app.wsgi_app = trusted  # type: ignore[method-assign]
    return models


def _cache(settings: Settings, hub: HubClient, telemetry: Telemetry) -> StreamCache:
    def failed(layer: str) -> None:
        telemetry.cache_errors.labels(layer).inc()

    if settings.redis_url is None:
        return StreamCache(SharedMemory(hub), failed)
    # The library takes 9 MB of memory, which a service without Redis saves.
    from service.cache.redis_bytes import RedisBytes  # noqa: PLC0415

    redis = RedisBytes(settings.redis_url, settings.redis_timeout, settings.cache_ttl, failed)
    secret = settings.cache_secret
    return StreamCache(redis, failed, secret.get_secret_value() if secret else "")


def _allowance(settings: Settings, hub: HubClient, telemetry: Telemetry) -> Allowance:
    if not (settings.requests_per_minute or settings.characters_per_minute):
        return Allowance(settings)
    failed = telemetry.limit_errors.inc
    if settings.redis_url is None:
        return Allowance(settings, HubCounts(hub, failed))
    # The libraries take 9 MB of memory, which a service without Redis saves.
    from service.http.redis_counts import RedisCounts  # noqa: PLC0415

    return Allowance(settings, RedisCounts(settings.redis_url, settings.redis_timeout, failed))
