"""The clients of docs/scale.md get the whole text although its service is killed amid it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.servers import ROOT, RedisServer, Service, serving, wait_until

GUIDE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
SECTION = GUIDE[GUIDE.index("\n## Resuming") : GUIDE.index("\n## Why no")]
COMMANDS = {
    "python": [sys.executable, "-c"],
    "javascript": ["node", "--input-type=module", "-e"],
    "bash": ["bash", "-euc"],
}


def _run(kind: str, port: int) -> subprocess.Popen[str]:
    """Start the lines of the guide in a language, with the port of a service in place of the guide's."""
    (lines,) = re.findall(rf"```{kind}\n(.*?)```", SECTION, re.DOTALL)
    command = [*COMMANDS[kind], lines.replace("localhost:8000", f"127.0.0.1:{port}")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_clients_outlive_their_service(tmp_path: Path, redis_server: RedisServer) -> None:
    """The lines in Python and JavaScript go on at the next service, and curl gets what it lacks."""
    killed = Service(tmp_path / "killed", redis_url=redis_server.url)
    kinds = [kind for kind in ("python", "javascript") if shutil.which(COMMANDS[kind][0])]
    clients = [_run(kind, killed.port) for kind in kinds]
    wait_until(lambda: killed.metric("charloom_running") == len(kinds), "the streams")
    wait_until(lambda: killed.metric("charloom_text_characters_total") > 2_000, "some text")
    killed.kill()
    assert [client.poll() for client in clients] == [None] * len(kinds)
    with serving(tmp_path / "next", port=killed.port, redis_url=redis_server.url) as service:
        written = [client.communicate(timeout=60)[0] for client in clients]
        whole = service.generate(seed="ROMEO:", temperature=0.5, length=10_000).json["text"]
        assert written == [whole + "\n"] * len(kinds)
        if shutil.which("curl"):
            rest, _ = _run("bash", service.port).communicate(timeout=60)
            assert rest.startswith("id: 24\ndata: ")
