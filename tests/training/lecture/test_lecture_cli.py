"""`python -m training.lecture`: the list, the errors, and every system in its quick form."""

import re

import pytest

from tests.servers import ROOT
from training.lecture.__main__ import SYSTEMS, main


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


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_runs(name, tmp_path, capsys) -> None:
    """Each system prints its output and saves its picture, also with few updates."""
    assert main([name, "--quick", "--output", str(tmp_path)]) == 0
    assert (tmp_path / f"{name}.png").stat().st_size > 5000
    assert "picture: " in capsys.readouterr().out
