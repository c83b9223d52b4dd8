"""What the benchmarks reckon and write, beside what they measure."""

import json
import os
import subprocess
import sys
from itertools import pairwise

import pytest

from benchmarks.http.programs import Wire
from benchmarks.report import Part, as_markdown, as_text
from benchmarks.scaling import busy_cores
from tests.servers import ROOT


@pytest.mark.parametrize("share", [0.01, 0.04, 0.2])
def test_threads_that_share_a_lock_keep_at_most_amdahls_cores_busy(share: float) -> None:
    """One thread keeps one core busy; more keep more busy, up to their number and 1 / share."""
    busy = [busy_cores(threads, share) for threads in range(1, 200)]
    assert busy[0] == pytest.approx(1)
    assert all(more > less - 1e-9 for less, more in pairwise(busy))
    assert all(cores < min(threads, 1 / share) + 1e-9 for threads, cores in enumerate(busy, 1))
    assert busy_cores(2000, share) == pytest.approx(1 / share, rel=0.01)


def test_two_threads_wait_for_each_other_as_the_theory_says() -> None:
    """By hand: the second of two threads finds the first at the lock for the share of its time."""
    share = 0.25
    assert busy_cores(2, share) == pytest.approx(2 / (1 - share + share * (1 + share)))


def test_a_request_has_the_names_of_its_server() -> None:
    """Fields go over the wire by the server's own names, and `stream` only where it is known."""
    wire = Wire(names={"seed": "prompt"}, streams=False)
    assert json.loads(wire.body(seed="The ", length=3, stream=True)) == {
        "prompt": "The ",
        "length": 3,
    }


def test_a_table_names_the_kind_of_processor() -> None:
    """Figures of two kinds of processor are told apart by their titles."""
    part = Part("engine", "The engine", ["", "speed"], [["charloom", "1"]], {})
    assert as_text(part, "avx2").startswith("The engine [avx2]\n")
    assert as_markdown(part, "avx512_vnni").startswith("## The engine [avx512_vnni]\n")


def test_the_race_has_the_settings_of_the_job() -> None:
    """A side of the race computes with oneDNN, as the job does, whichever module imports TensorFlow first."""
    code = "import os, benchmarks.learning.side; print(os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    unset = {key: value for key, value in os.environ.items() if key != "TF_ENABLE_ONEDNN_OPTS"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=unset,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1\n"
