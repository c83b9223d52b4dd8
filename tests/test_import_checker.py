"""The checker of the import law finds each broken law, and nothing else."""

from pathlib import Path

import pytest

from tests.test_architecture import broken_laws


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("model_store/store.py", "import service"),
        ("model_store/store.py", "from training.config import TrainingConfig"),
        ("service/cache/streams.py", "import training.corpus"),
        ("training/publishing/publish.py", "from service.engine import client"),
        ("service/engine/schedule/scheduler.py", "import flask"),
        ("service/engine/schedule/scheduler.py", "import onnxruntime as ort"),
        (
            "service/engine/schedule/scheduler.py",
            "def late():\n    from werkzeug.exceptions import NotFound",
        ),
        ("service/engine/worker.py", "from service.http.routes import generate"),
        ("service/engine/worker.py", "from service.telemetry import Telemetry"),
        ("service/models/registry.py", "from service import app"),
        ("service/models/registry.py", "from service.engine.sampler import sample"),
        ("service/api/resolve.py", "import flask"),
        ("service/stream/text.py", "from service.cache import streams"),
        ("service/engine/onnx_engine.py", "import tensorflow as tf"),
        ("service/engine/onnx_engine.py", "from service.stream import sequence"),
        ("service/engine/onnx_engine.py", "from service.engine import loop"),
        ("service/engine/sampler.py", "from model_store import Vocabulary"),
        ("service/http/routes/generate.py", "if True:\n    import keras"),
        ("service/http/hooks.py", "from service.cache.streams import StreamCache"),
        ("training/corpus/text.py", "from training.network import model"),
        ("training/learning/fit.py", "from training.publishing.publish import publish"),
        ("training/learning/fit.py", "from training.lecture import store"),
    ],
)
def test_a_broken_law_is_found(tmp_path: Path, file: str, code: str) -> None:
    """The checker names the module of each forbidden import, wherever in the file it stands."""
    assert _found(tmp_path, {file: code}) == [file.removesuffix(".py").replace("/", ".")]


@pytest.mark.parametrize(
    "files",
    [
        {
            "service/engine/schedule/scheduler.py": "from service.engine.worker import Worker",
            "service/engine/worker.py": "from service.engine.sampler import sample",
            "service/engine/sampler.py": "def late():\n    import onnxruntime",
        },
        {
            "service/api/resolve.py": "from service.models.registry import Models",
            "service/models/registry.py": "import service.telemetry",
            "service/telemetry.py": "from flask import Flask",
        },
    ],
    ids=["engine", "flask"],
)
def test_a_law_broken_through_others_is_found(tmp_path: Path, files: dict[str, str]) -> None:
    """What a module reaches through others counts as what it imports."""
    first = next(iter(files))
    assert first.removesuffix(".py").replace("/", ".") in _found(tmp_path, files)


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("service/app.py", "from flask import Flask\nfrom service.http.routes import generate"),
        ("service/http/routes/generate.py", "from flask import Blueprint"),
        ("service/engine/onnx_engine.py", "import onnxruntime"),
        ("service/engine/tensorflow_engine.py", "import tensorflow"),
        (
            "service/models/registry.py",
            "import model_store\nimport flask_like_name\nimport services",
        ),
        ("training/network/model.py", "import keras\nfrom model_store import Vocabulary"),
    ],
)
def test_a_lawful_import_is_left_alone(tmp_path: Path, file: str, code: str) -> None:
    """The checker says nothing about imports that the law allows."""
    assert _found(tmp_path, {file: code}) == []


def _found(root: Path, files: dict[str, str]) -> list[str]:
    """Return the modules of files, written below a root, that break a law."""
    for file, code in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(code, encoding="utf-8")
    return sorted({line.split(":")[0] for line in broken_laws(root)})
