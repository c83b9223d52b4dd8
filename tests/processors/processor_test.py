"""`make processor-test`: the same bytes on other processors.

The engine, the sampler and `python -m service generate` run here and under QEMU, and must agree on
every logit, state, character and detail. The test skips where QEMU is missing and cannot be
installed.
"""

import hashlib
import json
import os
import platform
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tests.factories import GATES, random_weights, write_graph
from tests.processors.emulation import MODELS, Unavailable, install_qemu, prepare, run

GENERATE = ["generate", "ROMEO:", "--temperature", "0.8", "--length", "200"]
COMMAND = "python -m service generate"


@dataclass(frozen=True)
class Results:
    """What one processor computed: per subject and quantity a list of digests, and a text."""

    libraries: str
    results: dict[str, dict[str, list[str]]]
    text: str

    @property
    def digest(self) -> str:
        """One SHA-256 of everything that must agree."""
        return hashlib.sha256(json.dumps([self.results, self.text]).encode()).hexdigest()


def main() -> int:
    """Return 1 where a processor computes anything else than this one."""
    try:
        if platform.machine() != "x86_64":
            raise Unavailable("this machine is no x86-64")
        version = install_qemu()
    except Unavailable as reason:
        print(f"processor-test: skipped, {reason}")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        _write_graphs(Path(folder))
        tally = _compare_all(Path(folder), f"QEMU {version}")
    skipped = f", {tally['skipped']} skipped" if tally["skipped"] else ""
    print(f"{tally['passed']} passed, {tally['failed']} failed{skipped}")
    return 1 if tally["failed"] else 0


def _write_graphs(folder: Path) -> None:
    for cell in GATES:
        for layers in (1, 3):
            for units in (64, 50):
                weights = random_weights(layers, units, cell=cell)
                write_graph(folder / f"{cell} {layers}×{units}.onnx", weights)


def _compare_all(folder: Path, qemu: str) -> Counter[str]:
    """Compute on every processor; count the results that agree with this machine's."""
    tally: Counter[str] = Counter()
    here = _compute(Path(sys.executable), folder)
    print(f"this machine ({here.libraries}): SHA-256 {here.digest}", flush=True)
    for architecture, models in MODELS.items():
        try:
            python = prepare(architecture)
        except Unavailable as reason:
            tally["skipped"] += len(models)
            print(f"{' and '.join(models)}: skipped, {reason}")
            continue
        except RuntimeError as error:
            tally["failed"] += len(models)
            print(f"✗ {' and '.join(models)}: {error}")
            continue
        for name, model in models.items():
            try:
                there = _compute(python, folder, model)
            except RuntimeError as error:
                tally["failed"] += 1
                print(f"✗ {name} ({qemu}): {error}", flush=True)
                continue
            print(f"{name} ({qemu}, {there.libraries}): SHA-256 {there.digest}")
            tally += _compare(name, here, there)
    return tally


def _compare(name: str, here: Results, there: Results) -> Counter[str]:
    """Print what agrees on one line, and a line for each thing that differs."""
    differences = dict(_differences(here, there))
    agreeing = [subject for subject, difference in differences.items() if not difference]
    if agreeing:
        print(f"  ✓ {name}: {', '.join(agreeing)}")
    for subject, difference in differences.items():
        if difference:
            print(f"  ✗ {name}: {subject}: {difference}")
    sys.stdout.flush()
    return Counter(passed=len(agreeing), failed=len(differences) - len(agreeing))


def _compute(python: Path, folder: Path, model: str = "") -> Results:
    """Compute everything with that interpreter."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("CHARLOOM_")
    }
    (folder / "models").mkdir(exist_ok=True)  # an empty store: the bundled model answers
    environment |= {"QEMU_CPU": model, "CHARLOOM_STORE": str(folder / "models")}
    computed: dict[str, Any] = json.loads(
        run([str(python), "-m", "tests.processors.compute", str(folder)], environment)
    )
    text = run([str(python), "-m", "service", *GENERATE], environment)
    return Results(**computed, text=text)


def _differences(here: Results, there: Results) -> Iterator[tuple[str, str]]:
    """Yield each subject and what differs; the empty string where nothing does."""
    for subject, expected in here.results.items():
        found = there.results[subject]
        places = {quantity: _places(expected[quantity], found[quantity]) for quantity in expected}
        yield (
            subject,
            "; ".join(f"{quantity} {place}" for quantity, place in places.items() if place),
        )
    yield COMMAND, _places(here.text, there.text)


def _places(one: Iterable[str], other: Iterable[str]) -> str:
    """Say how many parts of two sequences differ and which is the first, or nothing."""
    differ = [a != b for a, b in zip_longest(one, other)]
    if not any(differ):
        return ""
    return f"{sum(differ)} of {len(differ)} from {differ.index(True) + 1} on"


if __name__ == "__main__":
    sys.exit(main())
