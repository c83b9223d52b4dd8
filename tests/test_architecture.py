"""The import law of the rooms, and what the locks may hold."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ["serve", "train", "dev"]

WEB = frozenset({"flask", "gunicorn", "jinja2", "werkzeug"})
TENSORFLOW = frozenset({"keras", "tensorflow"})
ENGINES = TENSORFLOW | {"onnx", "onnxruntime"}
# The files of service/ that speak HTTP; all others must work without it.
HTTP_FILES = frozenset(
    {"__main__.py", "app.py", "auth.py", "gunicorn_conf.py", "hooks.py", "http_errors.py"}
    | {"tracing.py"}
)


@dataclass(frozen=True)
class Law:
    """No file that matches imports a forbidden module; names in `free` are excepted."""

    files: str
    forbidden: frozenset[str]
    free: frozenset[str] = frozenset()


LAWS = [
    # service → model_store ← training
    Law("model_store/**/*.py", WEB | ENGINES | {"service", "training", "redis"}),
    Law("service/**/*.py", frozenset({"training"})),
    Law("training/**/*.py", WEB | {"service", "redis"}),
    # HTTP stays in the HTTP files, and one function assembles.
    Law("service/*.py", WEB | {"service.http.routes"}, HTTP_FILES),
    Law("service/**/*.py", frozenset({"service.app"}), HTTP_FILES),
    # Engine libraries stay in the engines, TensorFlow in its own.
    Law("service/**/*.py", ENGINES, frozenset({"engine.py", "engine_tensorflow.py"})),
    Law("service/**/*.py", TENSORFLOW, frozenset({"engine_tensorflow.py"})),
    # The engine knows numbers: no text, no queue, no cache.
    Law(
        "service/engine*.py",
        frozenset(
            {
                "queue",
                "redis",
                "service.cache.streams",
                "service.engine.scheduler",
                "service.stream.sequence",
            }
        )
        | {
            "model_store.vocabulary",
            "model_store.Vocabulary",
            "service.api.schemas",
            "service.engine.worker",
        },
        free=frozenset({"engine_client.py", "engine_process.py"}),
    ),
    # The service's own process runs no engine: it sends messages.
    Law(
        "service/**/*.py",
        frozenset(
            {
                "service.engine.onnx_engine",
                "service.engine.tensorflow_engine",
                "service.engine.scheduler",
            }
        ),
        free=frozenset({"engine_process.py", "engine_tensorflow.py", "scheduler.py", "worker.py"}),
    ),
    # An extra, and slow to import: a store in a folder needs nothing of it.
    Law("model_store/**/*.py", frozenset({"fsspec", "s3fs"}), frozenset({"remote.py"})),
    # The sampler is pure NumPy.
    Law("service/sampler.py", frozenset({"model_store", "threading"})),
]


def broken_laws(root: Path, laws: list[Law]) -> list[str]:
    """Return one line for each import below the root that breaks a law."""
    return [
        f"{path.relative_to(root)}:{line} imports {module}"
        for law in laws
        for path in sorted(root.glob(law.files))
        if path.name not in law.free
        for module, line in imports(path)
        if _is_below(module, law.forbidden)
    ]


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield each imported name, whole, with its line; also those inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            prefix = "." * node.level + (node.module or "")
            yield from ((f"{prefix}.{alias.name}", node.lineno) for alias in node.names)


def pins(lock: str) -> set[str]:
    """Return the pinned requirements of a lock, as `name==version ; marker`."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    return {line.rstrip(" \\") for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)}


def _is_below(module: str, forbidden: frozenset[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in forbidden)


def test_import_law() -> None:
    """Every room imports only what the law lets it."""
    assert broken_laws(ROOT, LAWS) == []


def test_no_relative_imports() -> None:
    """An import names its room, so that the law can be read off it."""
    rooms = [
        path
        for room in ("model_store", "service", "training")
        for path in (ROOT / room).rglob("*.py")
    ]
    relative = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in rooms
        for module, line in imports(path)
        if module.startswith(".")
    ]
    assert relative == []


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("model_store/store.py", "import service"),
        ("model_store/store.py", "from training.config import TrainingConfig"),
        ("service/cache.py", "import training.corpus.sources"),
        ("training/publish.py", "from service import engine"),
        ("service/scheduler.py", "import flask"),
        ("service/scheduler.py", "import onnxruntime as ort"),
        ("service/scheduler.py", "def late():\n    from werkzeug.exceptions import NotFound"),
        ("service/worker.py", "from service.http.routes import generate"),
        ("service/models.py", "from service import app"),
        ("service/engine.py", "import tensorflow as tf"),
        ("service/engine.py", "from service import sequence"),
        ("service/engine_onnx.py", "from model_store import Vocabulary"),
        ("service/routes/generate.py", "if True:\n    import keras"),
    ],
)
def test_a_broken_law_is_found(tmp_path: Path, file: str, code: str) -> None:
    """The checker names the file of each forbidden import, wherever in the file it stands."""
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(code, encoding="utf-8")
    assert [line.split(":")[0] for line in broken_laws(tmp_path, LAWS)][:1] == [file]


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("service/app.py", "from flask import Flask\nfrom service.routes import generate"),
        ("service/routes/generate.py", "from flask import Blueprint"),
        ("service/engine.py", "import onnxruntime"),
        ("service/engine_tensorflow.py", "import tensorflow"),
        ("service/models.py", "import model_store\nimport flask_like_name\nimport services"),
        ("training/model.py", "import keras\nfrom model_store import Vocabulary"),
    ],
)
def test_a_lawful_import_is_left_alone(tmp_path: Path, file: str, code: str) -> None:
    """The checker says nothing about imports that the law allows."""
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(code, encoding="utf-8")
    assert broken_laws(tmp_path, LAWS) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_hold_no_address(lock: str) -> None:
    """A lock works with any index, so it names none."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    assert not re.findall(r".*(?:://|--index|--extra-index|--find-links|--trusted-host).*", text)


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_pin_and_hash_everything(lock: str) -> None:
    """Each requirement of a lock has one exact version and at least one hash."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    requirements = re.findall(r"^[A-Za-z0-9].*", text.replace("\\\n", ""), re.MULTILINE)
    assert requirements
    assert all("==" in each and "--hash=sha256:" in each for each in requirements)


def test_serving_installs_no_tensorflow() -> None:
    """TensorFlow belongs to training: 1.6 GB and seconds of import that serving does not need."""
    names = {pin.split("==")[0] for pin in pins("serve")}
    assert "onnxruntime" in names
    assert names.isdisjoint({"keras", "onnx", "tensorflow", "tensorflow-cpu"})


def test_locks_agree() -> None:
    """One environment takes all three locks, so a smaller one is part of the larger."""
    assert pins("serve") <= pins("train") <= pins("dev")
