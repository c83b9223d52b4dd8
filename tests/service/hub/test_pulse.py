"""The pulse of the hub stops with the hub, and a process notices that it has stood still."""

import subprocess
import sys

from service.hub.pulse import Standstills

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


def test_a_standstill_is_noticed_for_a_while() -> None:
    """A process has stood still where two looks lie further apart than any turn of its loop."""
    times = iter([0.0, 0.0, 1.0, 2.5, 12.5, 12.6, 13.5, 14.5, 15.5])
    standstills = Standstills(lambda: next(times))
    seen = [standstills.recent() for _ in range(8)]
    assert seen == [False, False, False, True, True, True, False, False]
