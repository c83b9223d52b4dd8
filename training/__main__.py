"""`python -m training`: parses the command line, runs the command, reports an error in one line."""

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from training.errors import TrainingError
from training.interrupts import handled_by
from training.options import CompareOptions, Options, RequantiseOptions, TrainOptions, parse
from training.quiet import quiet, require_avx

LOADING = "loading TensorFlow …"
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

    with _importing():
        from model_store import StoreError  # noqa: PLC0415 - slow, and not needed by --help

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
    # whose inputs are in order needs TensorFlow.
    if isinstance(options, TrainOptions):
        with _importing():
            require_avx()
    match options:
        case CompareOptions():
            with _importing():
                from training.publishing.compare import compare  # noqa: PLC0415

            compare(options)
        case RequantiseOptions():
            with _importing():
                from training.publishing.requantise import requantise  # noqa: PLC0415

            requantise(options)
        case TrainOptions(publish_only=True):
            with _importing():
                from training.inputs import inputs_of_run  # noqa: PLC0415

            with inputs_of_run(options) as (run, inputs):
                print(LOADING, flush=True)
                with _importing():
                    from training import job  # noqa: PLC0415

                job.publish_only(options, run, inputs)
        case TrainOptions():
            with _importing():
                from training.inputs import inputs_of_training  # noqa: PLC0415

            with inputs_of_training(options) as (inputs, batches):
                print(LOADING, flush=True)
                with _importing():
                    from training import job  # noqa: PLC0415

                job.train(options, inputs, batches)


@contextmanager
def _importing() -> Iterator[None]:
    """End the process at once on Ctrl-C or SIGTERM in the block.

    An interrupt inside an import of TensorFlow becomes another error, with a traceback.
    """
    with quiet() as terminal:

        def end(*_: object) -> None:
            os.write(terminal, b"\ntraining: interrupted\n")
            os._exit(INTERRUPTED)

        with handled_by(end):
            yield


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
