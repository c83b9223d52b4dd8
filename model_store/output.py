"""The output of a command whose reader has gone, as after `| head`."""

import os
import signal
import sys

# The exit status that shells give a program that SIGPIPE ended. The signal itself stays ignored: it would also end
# a command that writes to a connection whose other end is gone, without an error.
READER_GONE = 128 + signal.SIGPIPE


def discard_output() -> int:
    """Discard what is left in the buffer of standard output, and return the exit status READER_GONE."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return READER_GONE
