"""Imports of TensorFlow: whether the processor is enough, as many threads as cores, and no notes of its libraries."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile

from training.errors import TrainingError


@contextmanager
def quiet() -> Iterator[int]:
    """Keep standard error off the terminal during an import, and show it if the import fails.

    TensorFlow's libraries write notes on roundings there while they load, and no setting turns the notes off.
    Later notes are of fatal errors alone: on a processor without AVX-512 a harmless one counts as an error,
    and the errors that matter are raised. Yielded is a file descriptor of the terminal.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read once, when TensorFlow is imported
    _set_threads()
    terminal = os.dup(2)
    with TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            yield terminal
        except BaseException:
            notes.seek(0)
            os.write(terminal, notes.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def require_avx() -> None:
    """Refuse a processor that TensorFlow's import would end with an illegal instruction and no message.

    A virtual machine may hide AVX, as QEMU's default types of processor do.

    Raises:
        TrainingError: the processor is an x86-64 without AVX.
    """
    from model_store import processor_flags  # noqa: PLC0415 - slow, and not needed by --help

    flags = processor_flags()
    if flags and "avx" not in flags:
        raise TrainingError(
            "TensorFlow needs a processor with AVX, which this one lacks: "
            "give a virtual machine the processor type `host`, or train on another machine"
        )


def _set_threads() -> None:
    """Bound the threads of TensorFlow, which would count the machine's cores in a container with fewer."""
    from model_store import cores  # noqa: PLC0415 - slow, and not needed by --help

    for pool in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(pool, str(cores()))
