"""`python -m training.lecture NAME`: one system of the lecture, its table and its picture."""

import argparse
import io
import signal
import sys
from importlib import import_module
from pathlib import Path

from training.errors import TrainingError
from training.quiet import quiet, require_avx

# The systems of each folder, in the order of the lecture: that of the sections of docs/lecture.md.
FOLDERS = {
    "recurrence": {
        "weight-sharing": "feed-forward, convolutional, recurrent: weights, unseen places, longer sequences",
        "computational-graph": "f = (x + y)·z: gradients by hand and as difference quotients, side by side",
        "dynamical-systems": "s_t = f(s_{t−1}; θ): weather, a body, fish in a lake; unfolded and fitted",
        "forward-pass": "one step of RNN, LSTM and GRU in NumPy and in Keras; both forms of the GRU",
        "ice-cream": "the store: NumPy, TensorFlow from scratch, Keras cells; the least possible loss",
    },
    "memory": {
        "vanishing-gradient": "|∂loss_T/∂h_t| by lag, and recall through distractors, for five cells",
        "gradient-highway": "the chain rule, one LSTM step by hand, and 128 steps back along the cell line",
        "cells": "RNN, LSTM, GRU and mutations at equal numbers of weights, beside the least loss",
        "urls": "the unit that codes «inside a URL», in an LSTM that learns text with links",
        "external-memory": "a Neural Turing Machine and an LSTM copy sequences longer than in training",
    },
    "sequences": {
        "sentiment": "many-to-one: words → positive, neutral, negative, beside the best possible bag of words",
        "bidirectional": "the weather from the sign, past and future, beside the exact posterior",
        "seq2seq": "encoder and decoder: reverse a word, with one context vector and with attention",
        "translation": "numbers in German and English words; where the context vectors lie; attention",
        "captioning": "pictures of shapes: a caption word by word, and where the decoder looks",
        "pixel-rnn": "digits pixel by pixel: PixelRNN and PixelCNN; hidden halves completed",
        "architectures": "one-to-many and the other shapes; deep against shallow at equal parameter count",
        "character-model": "the fun example: learn a text, write at 1.0 and 0.5, freeze, load, write again",
    },
}
SYSTEMS = {name: line for systems in FOLDERS.values() for name, line in systems.items()}


def main(arguments: list[str] | None = None) -> int:
    """Run one system, or list all systems; return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A character that the terminal cannot show must not end a command.
            stream.reconfigure(errors="replace")
    options = _parser().parse_args(arguments)
    if options.name is None:
        print(_listing())
        return 0
    if options.name not in SYSTEMS:
        print(f"lecture: no system {options.name!r}. {_listing()}", file=sys.stderr)
        return 2
    try:
        _run(options)
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        advice = "`make lint` installs what the systems need into .venv"
        print(f"lecture: {options.name} needs the package {package}: {advice}", file=sys.stderr)
        return 2
    except (OSError, TrainingError) as error:
        print(f"lecture: {error}", file=sys.stderr)
        return 2
    return 0


def _run(options: argparse.Namespace) -> None:
    from training.lecture.lesson import Lesson  # noqa: PLC0415 - the list needs no TensorFlow

    # A folder that cannot be made ends the command before the training.
    options.output.mkdir(parents=True, exist_ok=True)
    (folder,) = (folder for folder, systems in FOLDERS.items() if options.name in systems)
    module = options.name.replace("-", "_")
    require_avx()
    with quiet():
        system = import_module(f"training.lecture.{folder}.{module}")
    system.run(Lesson(output=options.output, seed=options.seed, quick=options.quick))


def _listing() -> str:
    width = max(map(len, SYSTEMS))
    lines = [f"  {name:{width}}  {line}" for name, line in SYSTEMS.items()]
    return "\n".join(["The systems:", *lines])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.lecture",
        description=__doc__,
        epilog=_listing(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="?", help="a system; without a name: list the systems")
    parser.add_argument("--quick", action="store_true", help="a short training, for a first look")
    parser.add_argument("--seed", type=_seed, default=1, help="the random seed (default: 1)")
    parser.add_argument(
        "--output", type=Path, default=Path("docs/lecture"), help="folder for the picture"
    )
    return parser


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to 2³¹−1")
    return int(text)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is to be saved: Ctrl-C ends the command
    sys.exit(main())
