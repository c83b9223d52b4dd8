"""Loading one version: its files are verified, its engine is started, its exactness is checked."""

import logging
from dataclasses import dataclass
from typing import NamedTuple

from model_store import (
    DamagedVersion,
    KnownTexts,
    LayeredStore,
    Manifest,
    StoredModel,
    UnreadableModel,
    Vocabulary,
    contents,
)
from service.errors import ModelUnavailable
from service.hub.messages import EngineSpec
from service.hub.worker.client import HubClient
from service.hub.worker.engine_client import EngineClient
from service.models.exactness import difference, is_exact, not_proven
from service.settings import Settings
from service.telemetry import Telemetry

log = logging.getLogger(__name__)


class Version(NamedTuple):
    """A version, known by its files: an owner's version may take the number of a bundled one."""

    name: str
    number: int
    digest: str


@dataclass(frozen=True)
class LoadedModel:
    """A version of a model with its running engine."""

    manifest: Manifest
    vocabulary: Vocabulary
    engine: EngineClient
    identity: str
    """The files' digest, the engine's kind and the fingerprint that the engine computes here.

    The fingerprint keeps replicas whose processors differ from sharing streams in one Redis.
    """
    exact: bool | None
    """Whether the engine computes the manifest's fingerprint; None: there is nothing to compare."""
    known_texts: KnownTexts | None = None
    """The texts of the training corpus, where it is one of many short texts."""

    @property
    def text_end(self) -> str | None:
        """The symbol at which the model ends a text; None: the texts have no end."""
        return self.vocabulary.text_end if self.manifest.corpus.texts is not None else None

    def prompt(self, seed: str) -> str:
        """Return the text that the model reads before its first character.

        Many short texts: the end of the text before, and the seed text. One continuous text: the seed
        text, or if it is empty a line end, or the first symbol where there is none.
        """
        if self.text_end is not None:
            return self.text_end + seed
        return seed or ("\n" if "\n" in self.vocabulary.symbols else self.vocabulary.symbols[0])


class Loader:
    """Loads versions of the store's models."""

    def __init__(
        self, store: LayeredStore, settings: Settings, hub: HubClient, telemetry: Telemetry
    ) -> None:
        self._store = store
        self._hub = hub
        self._settings = settings
        self._telemetry = telemetry
        # The versions whose difference is in the log already.
        self._inexact: set[tuple[str, int]] = set()

    def load(self, version: Version) -> LoadedModel:
        """Return a version with its engine started; a start takes seconds.

        Raises:
            ModelNotFound: the store does not hold the version.
            StoreUnavailable: the store cannot be reached.
            ModelUnavailable: a file is damaged, cannot be read or was replaced, the engine cannot be
                opened, or the model is not exact here although CHARLOOM_REQUIRE_EXACT is set.
        """
        try:
            manifest = self._store.manifest(version.name, version.number)
            if manifest.digest != version.digest:
                raise ModelUnavailable(_replaced(version))
            wanted = _wanted(manifest, self._settings.engine)
            stored = self._store.open(version.name, version.number, wanted)
            vocabulary, spec = stored.vocabulary, _spec(stored, self._settings)
        except (DamagedVersion, UnreadableModel) as error:
            raise ModelUnavailable(str(error)) from error
        engine = EngineClient(self._hub, spec)
        try:
            exact = self._compare(stored.manifest, engine.fingerprint)
        except ModelUnavailable:
            engine.close()
            raise
        return LoadedModel(
            manifest=stored.manifest,
            vocabulary=vocabulary,
            engine=engine,
            identity=f"{stored.manifest.digest}/{spec.kind}/{engine.fingerprint}",
            exact=exact,
            known_texts=_known_texts(stored),
        )

    def _compare(self, manifest: Manifest, computed: str) -> bool | None:
        """Return whether a model is exact here, after telling the metrics and the log.

        Raises:
            ModelUnavailable: the settings require an exact model.
        """
        version, kind = (manifest.name, manifest.version), self._settings.engine
        exact = is_exact(manifest, kind, computed)
        if exact is not None:
            self._telemetry.exact.labels(*version).set(exact)
        if self._settings.require_exact and not exact:
            unknown = exact is None
            raise ModelUnavailable(not_proven(manifest, kind) if unknown else difference(manifest))
        if exact is False and version not in self._inexact:
            self._inexact.add(version)
            log.warning(difference(manifest))
        return exact


def _replaced(version: Version) -> str:
    return f"the files of {version.name}@{version.number} have just been replaced: ask again"


def _step_graph(manifest: Manifest, engine: str) -> str:
    """Return the ONNX graph with the weights of an engine; only `onnx` runs the graph itself."""
    return contents.served_graph(manifest.files) if engine == "onnx" else contents.FP32_GRAPH


def _wanted(manifest: Manifest, engine: str) -> tuple[str, ...]:
    """Return the paths to fetch: the engine's graphs, the vocabulary, the texts."""
    own = () if engine == "onnx" else (contents.SAVED_MODEL,)
    return *own, _step_graph(manifest, engine), contents.VOCABULARY, contents.TEXTS


def _known_texts(stored: StoredModel) -> KnownTexts | None:
    if contents.TEXTS not in stored.manifest.files:
        return None
    return KnownTexts(stored.file(contents.TEXTS))


def _spec(stored: StoredModel, settings: Settings) -> EngineSpec:
    if settings.engine == "tensorflow":
        path = stored.file(f"{contents.SAVED_MODEL}/saved_model.pb").parent
    else:
        path = stored.file(_step_graph(stored.manifest, settings.engine))
    return EngineSpec(
        kind=settings.engine,
        path=str(path),
        graph=str(stored.file(_step_graph(stored.manifest, settings.engine))),
        digest=stored.manifest.digest,
        slots=settings.slots,
        queue=settings.queue,
        threads=settings.thread_count,
        # A prompt may have one character more than the seed text.
        tape_length=1 + settings.max_seed_chars + settings.max_length,
        vocabulary_size=stored.manifest.vocabulary_size,
    )
