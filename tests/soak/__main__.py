"""`make soak`: a crowd of mixed clients, while the parts of the service die, freeze and come back."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from time import monotonic, sleep
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tests.factories import publish_random_model
from tests.other_servers import RedisServer
from tests.servers import Service, serving
from tests.soak import checks, report
from tests.soak.clients import crowd
from tests.soak.faults import FAULTS, PUBLISHED, REPLACED, WORKERS, Scene, fill_the_threads, make
from tests.soak.ledger import Episode, Ledger
from tests.soak.picture import draw
from tests.soak.requests import MODEL
from tests.soak.resources import at_rest, sampling

OUT = Path(__file__).parent / "out"
# The memory of a worker rises for minutes, more slowly each minute, before 1 % can be judged.
STEADY_SECONDS = 180.0
# 100 clients of a worker that wait for the hub take each of so few threads.
THREADS = {"GUNICORN_CMD_ARGS": "--threads=32"}
SETTINGS: dict[str, Any] = {
    "model": MODEL,
    "workers": WORKERS,
    "reload_seconds": 2,
    "deadline": 20,  # also the seconds for which an unused version stays loaded
    "cache_megabytes": 1,  # the warm-up fills what a worker keeps of repeated answers
}


def main() -> int:
    """Run the soak and return 1 where something does not hold."""
    options = _options()
    console = Console()
    ledger, episodes = Ledger(), list[Episode]()
    with tempfile.TemporaryDirectory() as folder, _scene(Path(folder)) as scene:
        with sampling(scene.service) as samples:
            with crowd(scene.service, ledger, options.clients, f"{options.seed} warm"):
                # What is imported or allocated at a first death is part of the warm state.
                warming = [make(fault, scene) for fault in [PUBLISHED, *REPLACED]]
                sleep(options.warm)
                fill_the_threads(scene)
            before = at_rest(scene)
            with crowd(scene.service, ledger, options.clients, f"{options.seed}"):
                episodes.extend(_episodes(scene, options.seconds, options.seed))
                fill_the_threads(scene)
            after = at_rest(scene)
        problems = [
            *checks.failed_requests(ledger, [*warming, *episodes]),
            *checks.left_over(before, after),
        ]
        if options.warm >= STEADY_SECONDS:
            problems += checks.more_memory(before, after)
        else:
            console.print(f"memory is not judged: the warm-up was below {STEADY_SECONDS:.0f} s")
        problems += checks.badly_ended(scene.service.stop(), OUT / "log")
        problems += checks.left_processes({sample.pid for sample in samples})
        with serving(Path(folder) / "quiet", store=scene.store, **SETTINGS) as quiet:
            problems += checks.other_texts(quiet, ledger)
    draw(samples, episodes, OUT / "memory.png")
    console.print(report.faults(ledger, episodes), report.resources(before, after))
    console.print(f"{len(ledger.visits)} requests, {len(ledger.texts)} texts compared")
    for problem in problems:
        console.print(f"✗ {problem}", style="red")
    return 1 if problems else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--warm", type=float, default=240, help="seconds before the faults")
    parser.add_argument("--seconds", type=float, default=840, help="of faults; each is made once")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="the same seed asks the same requests")
    return parser.parse_args()


@contextmanager
def _scene(folder: Path) -> Iterator[Scene]:
    """A service with a Redis and a store of its own."""
    store = folder / "store"
    publish_random_model(store, MODEL)
    OUT.mkdir(exist_ok=True)
    with ExitStack() as ending:
        redis = RedisServer()
        ending.callback(redis.stop)
        service = Service(
            OUT / "log", environment=THREADS, store=store, redis_url=redis.url, **SETTINGS
        )
        ending.callback(service.process.kill)
        yield Scene(service, redis, store)


def _episodes(scene: Scene, seconds: float, seed: int) -> Iterator[Episode]:
    """Make every fault once, then more in random order until the seconds are over."""
    random = Random(seed)
    end = monotonic() + seconds
    columns = [TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()]
    with Progress(*columns) as progress:
        task = progress.add_task("", total=seconds)
        for number in range(sys.maxsize):
            if number >= len(FAULTS) and monotonic() > end:
                return
            fault = FAULTS[number] if number < len(FAULTS) else random.choice(FAULTS)
            progress.update(task, completed=seconds - (end - monotonic()), description=fault.name)
            yield make(fault, scene)


if __name__ == "__main__":
    sys.exit(main())
