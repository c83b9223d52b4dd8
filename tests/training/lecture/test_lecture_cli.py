"""`python -m training.lecture`: the list, the errors, and every system in its quick form."""

import os
import re
import sys
from collections.abc import Callable

import pytest

from tests.servers import ROOT
from training.lecture.__main__ import SYSTEMS, main
from training.quiet import quiet

Rows = dict[str, list[float]]


def test_alone_it_lists_the_systems(capsys) -> None:
    """Without a name there is one line for each system."""
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(SYSTEMS)


def test_the_document_and_the_list_have_one_order() -> None:
    """The table of slides names each system in bold once, and the sections follow the table as the list does."""
    text = (ROOT / "docs" / "lecture.md").read_text(encoding="utf-8")
    assert re.findall(r"^\|.*\*\*`([\w-]+)`\*\*", text, flags=re.MULTILINE) == list(SYSTEMS)
    assert re.findall(r"^## (.+)", text, flags=re.MULTILINE) == ["All slides", *SYSTEMS]


def test_a_wrong_name_gets_the_list(capsys) -> None:
    """The error of an unknown system lists the systems."""
    assert main(["ice-tea"]) == 2
    message = capsys.readouterr().err
    assert "'ice-tea'" in message
    assert all(name in message for name in SYSTEMS)


def test_a_wrong_option_gets_the_list(capsys) -> None:
    """The error of an unknown option lists the options."""
    with pytest.raises(SystemExit):
        main(["computational-graph", "--nope"])
    message = capsys.readouterr().err
    assert "--nope" in message
    assert all(option in message for option in ("--quick", "--seed", "--output"))


@pytest.mark.parametrize("seed", ["-1", "one", "2147483648"])
def test_a_wrong_seed_is_named(seed, capsys) -> None:
    """A seed out of TensorFlow's range is an error of one line."""
    with pytest.raises(SystemExit):
        main(["computational-graph", f"--seed={seed}"])
    assert f"argument --seed: {seed!r} is not" in capsys.readouterr().err


def test_an_output_that_is_no_folder(tmp_path, capsys) -> None:
    """An output folder that cannot be made is an error of one line, not a traceback."""
    (tmp_path / "file").touch()
    assert main(["computational-graph", "--output", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err.startswith("lecture: ")


def test_a_missing_package_is_named(tmp_path, capsys, monkeypatch) -> None:
    """A system whose package is not installed ends with the package's name and the command that installs it."""
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    for module in ("pixels", "pixel_rnn"):
        monkeypatch.delitem(sys.modules, f"training.lecture.sequences.{module}", raising=False)
    assert main(["pixel-rnn", "--output", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        "lecture: pixel-rnn needs the package sklearn: "
        "`make lint` installs what the systems need into .venv\n"
    )


# What the quick form of a system shows, by the numbers of its rows; other systems have tests of their own.
POINTS: dict[str, Callable[[Rows], bool]] = {
    "forward-pass": lambda rows: max(rows["GRU"][1], rows["GRU, reset after"][1]) < 0.2,
    "ice-cream": lambda rows: (
        rows["least possible, exact"][0] < max(rows["gru"][1], rows["lstm"][1]) < rows["rnn"][1]
    ),
    "cells": lambda rows: rows["GRU"][3] < min(rows["LSTM"][3], rows["LSTM without f"][3]),
    "captioning": lambda rows: (
        rows["with attention"][1] > rows["one mean vector"][1]
        and rows["large: colour"][0] > 1.5 * rows["share of the places"][0]
        and rows["small: colour"][1] > 1.5 * rows["share of the places"][1]
    ),
    "pixel-rnn": lambda rows: (
        max(rows["PixelRNN"][1], rows["PixelCNN"][1]) < rows["each pixel alone"][1] - 0.1
    ),
    "architectures": lambda rows: rows["1×97"][1] < rows["2×61"][1] < rows["3×49"][1],
}


def test_a_processor_without_avx_is_refused(tmp_path, monkeypatch, capsys) -> None:
    """Where an import of TensorFlow would die silently, one line names the remedy."""
    described = tmp_path / "cpuinfo"
    described.write_text("flags\t\t: fpu sse4_2 popcnt\n", encoding="utf-8")
    monkeypatch.setattr("model_store.processor.CPUINFO", described)
    assert main(["cells", "--output", str(tmp_path)]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("lecture: TensorFlow needs a processor with AVX")
    assert printed.count("\n") == 1


def test_notes_of_an_import_stay_off_the_terminal(capfd) -> None:
    """What a library writes to standard error while it loads is shown only if the import fails."""
    with quiet():
        os.write(2, b"a note\n")
    assert not capfd.readouterr().err

    @quiet()
    def fail() -> None:
        os.write(2, b"the cause\n")
        raise ImportError

    with pytest.raises(ImportError):
        fail()
    assert capfd.readouterr().err == "the cause\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_runs(name, tmp_path, capsys) -> None:
    """Each quick form prints its output, saves its picture, and shows the point of its section."""
    assert main([name, "--quick", "--output", str(tmp_path)]) == 0
    assert (tmp_path / f"{name}.png").stat().st_size > 5000
    output = capsys.readouterr().out
    assert "picture: " in output
    assert POINTS.get(name, bool)(_rows(output)), output


def _rows(output: str) -> Rows:
    """Return the numbers of every row of the printed tables, by the row's first cell."""
    cells = [re.split(r"\s{2,}", line.strip()) for line in output.splitlines()]
    return {
        first: [float(cell) for cell in others if re.fullmatch(r"-?[\d.]+(e-?\d+)?", cell)]
        for first, *others in cells
    }
