"""How each server is started, and how a text is asked of it."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Wire:
    """The form of a request for a text, and of its answer."""

    path: str = "/generate"
    names: Mapping[str, str] = field(default_factory=dict)
    """Fields that this server calls by another name than charloom does."""
    streams: bool = True
    text: Callable[[Any], str] = lambda answer: str(answer["text"])
    """Returns the text of an answer, which is parsed JSON."""

    def body(self, **fields: Any) -> str:
        """Return a request as JSON, from fields under charloom's names."""
        if not self.streams:
            fields.pop("stream", None)
        return json.dumps({self.names.get(name, name): value for name, value in fields.items()})


@dataclass(frozen=True)
class Program:
    """A server that can be started; `{port}` in the command stands for its port."""

    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: str = "/readyz"
    """The path that answers 200 once the server can answer."""
    wire: Wire = field(default_factory=Wire)


def service(**settings: object) -> Program:
    """Return charloom with settings, all others at their defaults."""
    return Program([sys.executable, "-m", "service"], _variables(settings))


def empty(**settings: object) -> Program:
    """Return the application with an empty route under charloom's own gunicorn configuration."""
    gunicorn = ["-m", "gunicorn", "--config", "python:service.gunicorn_conf"]
    application = "benchmarks.http.empty_route:app"
    return Program([sys.executable, *gunicorn, application], _variables(settings))


def _variables(settings: Mapping[str, object]) -> dict[str, str]:
    return {f"CHARLOOM_{name.upper()}": str(value) for name, value in settings.items()}


ROOT = Path(__file__).resolve().parents[2]
PEERS_PYTHON = str(ROOT / ".venv" / "peers" / "bin" / "python")
HERE = "benchmarks.http.peers"
NOT_STREAMED = Wire(streams=False)


def litserve(version: Path) -> Program:
    """Return LitServe around the plain loop, with the model of a version's folder."""
    return Program(
        [PEERS_PYTHON, "-m", f"{HERE}.litserve_server", "{port}"],
        {"MODEL_FOLDER": str(version)},
        ready="/health",
        wire=Wire("/predict", streams=False),
    )


def bentoml(version: Path) -> Program:
    """Return BentoML around the plain loop, with the model of a version's folder."""
    serve = ["serve", f"{HERE}.bentoml_service:Writer", "--host", "127.0.0.1", "--port", "{port}"]
    return Program(
        [PEERS_PYTHON, "-m", "bentoml", *serve],
        {
            "MODEL_FOLDER": str(version),
            "BENTOML_HOME": str(version / "bentoml"),
            "BENTOML_DO_NOT_TRACK": "True",
        },
        wire=NOT_STREAMED,
    )


def one_step() -> Program:
    """Return the TensorFlow tutorial's `OneStep` behind Flask under gunicorn's default worker."""
    application = f"{HERE}.one_step_flask:app"
    return Program(
        [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:{port}", application],
        {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
        wire=NOT_STREAMED,
    )


def llama_cpp_python(model: Path) -> Program:
    """Return the server of llama-cpp-python, with the model of a GGUF file."""
    server = [PEERS_PYTHON, "-m", "llama_cpp.server"]
    return _llama(server, model, ready="/v1/models")


def llama_server(model: Path) -> Program:
    """Return llama.cpp's own server, if it is on the PATH, with the model of a GGUF file."""
    return _llama(["llama-server"], model, ready="/health")


def _llama(server: list[str], model: Path, ready: str) -> Program:
    return Program(
        [*server, "--model", str(model), "--port", "{port}"],
        ready=ready,
        wire=Wire(
            "/v1/completions",
            names={"seed": "prompt", "length": "max_tokens", "random_seed": "seed"},
            text=lambda answer: str(answer["choices"][0]["text"]),
        ),
    )
