"""The pulse of the hub stops with the hub."""

import subprocess
import sys

HUB = """
import os, time
from service.hub.pulse import beat
_, pipe = os.pipe()
beat(pipe, [False, True, True].pop)
time.sleep(60)
"""


def test_a_hub_that_is_not_healthy_ends() -> None:
    """A thread that hangs cannot be ended, so the process ends itself, and the keeper starts another."""
    ended = subprocess.run([sys.executable, "-c", HUB], timeout=50, check=False)
    assert ended.returncode == 1
