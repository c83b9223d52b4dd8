"""`make compose-test`: build the images, run the compose files for real, ask them and train with them.

The tests need a Docker engine, docker-compose and the two base images. Where `../shared/docker` has a script
that provides them and the user is root, the script is run first; where they are not to be had, the tests skip.
`COMPOSE="docker compose"` chooses another Compose.
"""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.compose.engine import find_compose, free_port, run
from tests.compose.project import Compose, Tally
from tests.compose.replicas_test import try_replicas
from tests.compose.service_test import try_service
from tests.compose.systemd_test import try_systemd

SERVICE = "docker-compose.yml"
REPLICAS = [SERVICE, "deploy/replicas/docker-compose.yml", "tests/compose/patient.yml"]
MACHINE = "tests/compose/systemd/docker-compose.yml"


def main() -> int:
    """Return 0 when everything held or nothing could be tried."""
    command, reason = find_compose()
    if not command:
        print(f"SKIPPED: {reason}")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `finally` tidies up
    print(f"{' '.join(command)}: {run([*command, 'version'], 30).splitlines()[0]}", flush=True)
    tally = Tally()
    with tempfile.TemporaryDirectory() as corpora:
        Path(corpora).chmod(0o755)  # the training job is another user
        for name, files, test in (
            ("compose", [SERVICE], try_service),
            ("replicas", REPLICAS, try_replicas),
            ("systemd", [MACHINE], try_systemd),
        ):
            project = Compose(command, f"charloom-{name}-test", files, free_port(), Path(corpora))
            _try(test, project, tally)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


def _try(test: Callable[[Compose, Tally], None], project: Compose, tally: Tally) -> None:
    try:
        project("down", "--volumes", "--remove-orphans")
        test(project, tally)
    except (OSError, LookupError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        tally.check("nothing went wrong", False, str(error))
    finally:
        project("down", "--volumes", "--remove-orphans")


if __name__ == "__main__":
    sys.exit(main())
