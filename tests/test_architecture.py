"""The import law of the rooms."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.imports import Tree, is_below, room_of

ROOT = Path(__file__).resolve().parents[1]

WEB = frozenset({"flask", "gunicorn", "jinja2", "werkzeug"})
TENSORFLOW = frozenset({"keras", "tensorflow"})
ENGINES = TENSORFLOW | {"onnx", "onnxruntime"}

# The rooms of each package from the bottom to the top, and what each may import of the package besides
# itself. A module that lies in no folder is a room of its own.
ROOMS: dict[str, dict[str, str]] = {
    "service": {
        "__version__": "",
        "errors": "",
        "logs": "",
        "breaker": "",
        "redis_client": "",
        "keys": "errors",
        "addresses": "",
        "pool": "errors",
        "settings": "keys addresses",
        "environment": "settings",
        "stream": "errors",
        "metric_files": "",
        "telemetry": "metric_files stream",
        "cache": "stream breaker redis_client",
        "engine": "stream",
        "hub": "engine cache stream telemetry settings pool logs errors",
        "models": "hub settings telemetry errors",
        "generation": "models cache stream telemetry pool errors",
        "api": "generation models stream settings errors",
        "http": "api generation models hub stream environment settings telemetry pool keys logs errors breaker redis_client __version__",
        "app": "http api generation models hub cache stream environment settings telemetry keys logs errors",
        "gunicorn_conf": "metric_files environment logs",
        "commands": "app http api generation models hub cache stream environment settings telemetry keys logs errors",
        "__main__": "commands environment",
    },
    "training": {
        "errors": "",
        "bar": "",
        "sealed": "",
        "quiet": "errors",
        "interrupts": "",
        "config": "errors",
        "suited": "config",
        "options": "suited errors",
        "corpus": "bar sealed config errors",
        "network": "interrupts config errors",
        "space": "network config errors",
        "memory": "network config",
        "frozen": "bar space interrupts network corpus config errors",
        "learning": "frozen bar space sealed interrupts network corpus config errors",
        "publishing": "learning frozen bar space interrupts network corpus options config errors",
        "inputs": "learning frozen space network corpus options suited config errors",
        "job": "inputs publishing learning frozen space memory network corpus options suited config errors",
        "__main__": "job inputs publishing learning frozen space network corpus options config quiet interrupts errors",
        "lecture": "job inputs learning frozen network corpus options config quiet errors",
    },
}


@dataclass(frozen=True)
class Law:
    """No module below `modules` reaches what is forbidden, through however many others.

    Modules below `free` are excepted: other modules may not reach a forbidden one through them either.
    """

    modules: str
    forbidden: frozenset[str]
    free: tuple[str, ...] = ()
    directly: bool = False
    """Whether the law is over the imports of the modules themselves alone."""


HUB_PROCESS = {f"service.hub.{module}" for module in ("flight", "peer", "process", "shared_engine")}

LAWS = [
    # service → model_store ← training
    Law("model_store", WEB | ENGINES | {"service", "training", "redis"}),
    Law("service", frozenset({"training"})),
    Law("training", WEB | {"service", "redis"}),
    # HTTP stays in its room.
    *(
        Law(f"service.{room}", WEB)
        for room in ("stream", "cache", "engine", "hub", "models", "generation", "api", "telemetry")
    ),
    # One function assembles.
    Law("service", frozenset({"service.app"}), free=("service.app", "service.commands")),
    # Engine libraries stay in the engines, which the hub's process alone imports.
    Law(
        "service",
        ENGINES,
        free=(
            "service.engine.inner",
            "service.engine.loop",
            "service.engine.onnx_engine",
            "service.engine.tensorflow_engine",
            "service.hub.shared_engine",
            "service.hub.peer",
            "service.hub.process",
        ),
    ),
    Law("service.engine.onnx_engine", TENSORFLOW),
    # `onnx` would add 12 MB to the hub's process: processes of their own read the graph.
    Law(
        "service",
        frozenset({"onnx", "service.engine.inner", "service.engine.loop"}),
        free=("service.engine.inner", "service.engine.loop"),
    ),
    # The engine's room belongs to the hub's process, which has no door but its messages.
    *(
        Law(f"service.{room}", frozenset({"service.engine", *HUB_PROCESS}), directly=True)
        for room in ("models", "generation", "api", "http", "app", "commands")
    ),
    Law("service.engine", frozenset({"service.telemetry"})),
    # The hub's process is small: the store and pydantic would add 12 MB.
    Law(
        "service.hub.process", frozenset({"limits", "model_store", "pydantic", "prometheus_client"})
    ),
    # The engines know numbers: no text, no queue.
    *(
        Law(f"service.engine.{module}", frozenset({"model_store", "queue", "service.stream"}))
        for module in (
            "batch",
            "exact",
            "inner",
            "loop",
            "onnx_engine",
            "sampler",
            "tensorflow_engine",
        )
    ),
    # Extras, and slow to import: a store in a folder needs no fsspec, a cache in memory no Redis.
    Law("model_store", frozenset({"fsspec", "s3fs"}), free=("model_store.remote",), directly=True),
    Law(
        "service",
        frozenset({"redis"}),
        free=("service.redis_client", "service.cache.redis_bytes"),
        directly=True,
    ),
    # The inputs are prepared without TensorFlow, and the network knows no frozen form.
    Law("training.corpus", ENGINES),
    Law("training.network.size", ENGINES),
    Law("training.network", frozenset({"onnx", "onnxruntime"})),
]


def broken_laws(root: Path) -> list[str]:
    """Return one line for each import below the root that breaks a law."""
    tree = Tree(root)
    return [*_broken_rooms(tree), *(line for law in LAWS for line in _broken(tree, law))]


def _broken_rooms(tree: Tree) -> Iterator[str]:
    """Yield the imports of a room that lies above, or beside."""
    for package, rooms in ROOMS.items():
        for module in tree.below(package):
            room = room_of(module)
            allowed = {room, *rooms.get(room, "").split()}
            for each in tree.imports(module):
                if is_below(each.name, package) and room_of(each.name) not in allowed:
                    yield f"{module}:{each.line} imports {each.name}"


def _broken(tree: Tree, law: Law) -> Iterator[str]:
    for module in tree.below(law.modules):
        if any(is_below(module, name) for name in law.free):
            continue
        for each in tree.imports(module):
            within = tree.module_of(each.name)
            further = frozenset() if law.directly or within is None else tree.reached(within)
            bad = [n for n in {each.name, *further} for f in law.forbidden if is_below(n, f)]
            if bad:
                way = "" if each.name in bad else f", which reaches {min(bad)}"
                yield f"{module}:{each.line} imports {each.name}{way}"


def test_import_law() -> None:
    """Every room imports only what the law lets it, and reaches nothing else through others."""
    assert broken_laws(ROOT) == []


@pytest.mark.parametrize("package", ROOMS)
def test_rooms_stand_on_each_other(package: str) -> None:
    """A room may import rooms below it alone, so that there is no circle; and every room is known."""
    rooms = ROOMS[package]
    for number, allowed in enumerate(rooms.values()):
        assert set(allowed.split()) <= set(list(rooms)[:number])
    assert {room_of(module) for module in Tree(ROOT).below(package)} - {""} <= set(rooms)


@pytest.mark.parametrize("package", ROOMS)
def test_a_room_says_what_it_owns(package: str) -> None:
    """The docstring of each room has its title and three sentences: what is its own, comes in, goes out."""
    folders = [path.parent for path in (ROOT / package).glob("*/__init__.py")]
    rooms = [folder for folder in folders if folder.name not in ("commands", "lecture")]
    assert rooms
    for room in rooms:
        said = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
        assert said is not None
        _, _, sentences = said.partition("\n\n")
        assert sentences.startswith("This room owns "), room
        assert sentences.rstrip().count(". ") + sentences.count(".\n") == 2, room


def test_no_folder_is_crowded() -> None:
    """A folder listing can be read at a glance: at most fifteen modules in each."""
    paths = [*Tree(ROOT).modules.values(), *(ROOT / "benchmarks").rglob("*.py")]
    folders = {path.parent for path in paths} - {ROOT / "model_store"}
    crowded = {
        str(folder.relative_to(ROOT)): len(names)
        for folder in folders
        if len(names := set(folder.glob("*.py")) - {folder / "__init__.py"}) > 15
    }
    assert crowded == {}


def test_the_store_is_entered_by_its_door() -> None:
    """From outside, only what `model_store` exports is imported."""
    tree = Tree(ROOT)
    inside = [
        f"{module}:{each.line} imports {each.name}"
        for package in ROOMS
        for module in tree.below(package)
        for each in tree.imports(module)
        if each.name.startswith("model_store.") and each.name.count(".") > 1
    ]
    assert inside == []


def test_no_relative_imports() -> None:
    """An import names its room, so that the law can be read off it."""
    tree = Tree(ROOT)
    assert not [
        module
        for module in tree.modules
        for each in tree.imports(module)
        if each.name.startswith(".")
    ]
