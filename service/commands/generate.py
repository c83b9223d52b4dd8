"""`python -m service generate`: writes text to the terminal, without a server."""

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing

from model_store import StoreError
from service.api.resolve import resolve
from service.api.schemas import GenerateRequest, parse_options
from service.cache.memory import MemoryBytes
from service.cache.streams import StreamCache
from service.errors import InvalidRequest, ServiceError
from service.generation.caller import Caller
from service.generation.generator import TextGenerator
from service.hub.client import HubClient
from service.hub.keeper import WatchedKeeper
from service.models.offered import offered_models
from service.models.registry import Models
from service.settings import Settings
from service.telemetry import Telemetry

# The seed text is an argument without a name; the terminal always streams and shows text alone.
NOT_OPTIONS = {"seed", "stream", "details"}


def main(arguments: Sequence[str]) -> int:
    """Write the seed text and the generated text, and return the exit status.

    An error is one line on stderr for each wrong field, and status 2.
    """
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` ends the command quietly
    options = vars(_parser().parse_args(arguments))
    try:
        for piece in _text(parse_options(options)):
            print(piece, end="", flush=True)
        print()
    except InvalidRequest as error:
        for problem in error.problems:
            print(f"service: {problem.field}: {problem.message}", file=sys.stderr)
        return 2
    except (ServiceError, StoreError, OSError) as error:
        print(f"service: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m service generate",
        description="Write text to the terminal; the same options give the same text.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    parser.add_argument(
        "seed", metavar="TEXT", help=GenerateRequest.model_fields["seed"].description
    )
    for name, field in GenerateRequest.model_fields.items():
        if name not in NOT_OPTIONS:
            parser.add_argument(
                f"--{name.replace('_', '-')}",
                dest=name,
                metavar="…",
                action="append" if name == "stop" else "store",
                help=field.description,
            )
    return parser


def _text(wire: GenerateRequest) -> Iterator[str]:
    settings = Settings(slots=1, queue=0)
    telemetry = Telemetry()
    with (
        closing(WatchedKeeper(settings)) as keeper,
        closing(HubClient(keeper.rendezvous, telemetry)) as hub,
        closing(Models(offered_models(settings), settings, hub, telemetry)) as models,
    ):
        generator = TextGenerator(StreamCache(MemoryBytes(0)), telemetry, settings.deadline)
        model = models.get(wire.model)
        generation = resolve(wire, model, settings)
        yield generation.seed
        for piece in generator.open(generation, model, Caller(streaming=True)).pieces:
            yield piece.characters
