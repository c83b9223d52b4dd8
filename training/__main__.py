"""`python -m training`: parses the command line, runs the command, reports an error in one line."""

import io
import os
import signal
import sys

from training.errors import TrainingError
from training.options import CompareOptions, Options, RequantiseOptions, TrainOptions, parse

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read once, when TensorFlow is imported

FAILED = 2
INTERRUPTED = 130  # the exit status that shells give a job ended by Ctrl-C


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status.

    An error is one line on standard error; the notes of the error follow, a line each.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A character that the terminal cannot show must not end a training.
            stream.reconfigure(errors="replace")
    options = parse(sys.argv[1:] if arguments is None else arguments)

    from model_store import StoreError  # noqa: PLC0415 - slow to import, and not needed by --help

    try:
        _run(options)
    except (TrainingError, StoreError, OSError) as error:
        _report(f"training: {error}", *_notes(error))
        return FAILED
    except KeyboardInterrupt as interrupt:
        _report("", *(_notes(interrupt) or ["training: interrupted"]))  # below the terminal's ^C
        return INTERRUPTED
    return 0


def _run(options: Options) -> None:
    # Each command is imported where it runs, because TensorFlow takes seconds and only a training
    # needs TensorFlow.
    match options:
        case CompareOptions():
            from training.publishing.compare import compare  # noqa: PLC0415

            compare(options)
        case RequantiseOptions():
            from training.publishing.requantise import requantise  # noqa: PLC0415

            requantise(options)
        case TrainOptions():
            from training import job  # noqa: PLC0415

            run = job.publish_only if options.publish_only else job.train
            run(options)


def _notes(error: BaseException) -> list[str]:
    """Return the lines that `add_note` added to an error."""
    return getattr(error, "__notes__", [])


def _report(*lines: str) -> None:
    print("\n".join(lines), file=sys.stderr)


if __name__ == "__main__":
    # SIGTERM, which stops a container or evicts a worker, counts as Ctrl-C. Without a handler the first
    # process of a container would ignore SIGTERM.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
