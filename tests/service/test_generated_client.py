"""A client that `openapi-python-client` makes of the OpenAPI document works."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.servers import ROOT, Service

GUIDE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


@pytest.fixture
def package(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of the package that is made with the configuration of the guide, without a warning."""
    document, configuration = tmp_path / "openapi.json", tmp_path / "configuration.yaml"
    document.write_bytes(service.get("/openapi.json").body)
    (said,) = (part for part in GUIDE.split("```yaml\n")[1:] if part.startswith("content_type"))
    configuration.write_text(said.split("```")[0] + "post_hooks: []\n", encoding="utf-8")
    made = subprocess.run(
        [
            *(Path(sys.executable).parent / "openapi-python-client", "generate", "--meta", "none"),
            *("--path", document, "--config", configuration),
            *("--output-path", tmp_path / "generated_client", "--fail-on-warning"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    monkeypatch.syspath_prepend(tmp_path)
    yield "generated_client"
    for name in [name for name in sys.modules if name.startswith("generated_client")]:
        del sys.modules[name]


def test_a_generated_client_reads_every_kind_of_body(service: Service, package: str) -> None:
    """JSON in both forms, errors, bytes of JSON lines and text come as the values of the document."""
    models, types = import_module(f"{package}.models"), import_module(f"{package}.types")
    text = service.generate(seed="Hello", length=9).json["text"]
    with import_module(package).Client(base_url=f"http://127.0.0.1:{service.port}") as client:

        def call(route: str, **given: Any) -> Any:
            return import_module(f"{package}.api.{route}").sync(client=client, **given)

        def generate(**fields: Any) -> Any:
            return call("text.post_generate", body=models.GenerateRequest(**fields))

        assert generate(seed="Hello", length=9).text == text
        assert generate(seed="Hello", length=9, count=2).texts[0].text == text
        wrong = generate(seed="€")
        assert (wrong.code, wrong.errors[0].field) == ("invalid_request", "seed")
        lines = types.File(payload=io.BytesIO(b'{"seed": "Hello", "length": 9}'))
        answer = call("text.post_batch", body=lines)
        assert json.load(answer.payload)["text"] == text
        assert "charloom" in call("service.get_metrics")
