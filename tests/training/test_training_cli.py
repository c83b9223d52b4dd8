"""`python -m training`, end to end: a corpus becomes a version, and an error is one line."""

import os
import shlex
import sys
from pathlib import Path

import pytest

import training.__main__ as command
from model_store import PRODUCTION, ModelStore
from tests.other_servers import S3Server
from tests.training.commands import completed, job
from tests.training.small import ENGLISH, small_options

pytestmark = pytest.mark.slow


def refused(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the one line on standard error of a command that is refused."""
    assert command.main(job(folder, *arguments)[3:]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("training: ")
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    return printed.err


def test_a_corpus_becomes_a_version(tmp_path: Path, corpus: Path) -> None:
    """One command trains, checks, publishes and promotes a version, and says what it left out and doubts."""
    mark = "*** {} OF THE PROJECT GUTENBERG EBOOK SOME TEXT ***\n"
    lines = filter(None, map(str.strip, corpus.read_text(encoding="utf-8").split("\n")))
    text = "\n".join(sorted(lines, key=str.casefold))
    corpus.write_text(f"{mark.format('START')}{text}\n{mark.format('END')}The licence.")
    options = small_options("--promote", "always")
    line = job(tmp_path, "--corpus", str(corpus), "--name", "small", *options)
    done = completed(line)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    store = ModelStore(tmp_path / "the store")
    model = store.open(*store.resolve(f"small@{PRODUCTION}"))
    assert model.manifest.corpus.name == "some text.txt"
    assert model.manifest.training["units"] == 16
    assert "oneDNN" not in done.stderr
    loading, *said = done.stdout.splitlines()
    assert loading == "loading TensorFlow …"
    assert said[0].startswith(f"some text.txt: {len(text) + 1:,} characters, ")
    assert said[0].endswith(" symbols; left out: the licence of Project Gutenberg")
    assert said[1].startswith("the lines are in alphabetical order: ")
    assert said[2].startswith("units 16, batch_size 4, sequence_length 32, epochs 2, ")
    assert said[2].endswith(" steps in all")
    assert said[3].endswith(" steps are few: raise epochs, lower batch_size, or give more text")
    assert [text.split(":")[0] for text in said if text.startswith("epoch")] == [
        "epoch 1",
        "epoch 2",
    ]
    assert said[-3].startswith(f"published small@1 in {store.root}: ")
    assert said[-2].startswith("small@1 loses to its own 5-gram model (")
    assert said[-1] == "production is now small@1"


def test_a_version_is_published_on_s3(
    tmp_path: Path, corpus: Path, s3: S3Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """With an S3 address as the store, the version is published and promoted on S3."""
    address = f"{s3.new_bucket()}/models"
    options = small_options("--promote", "always")
    line = job(tmp_path, "--corpus", str(corpus), "--name", "small", *options)
    assert command.main([*line[3:], "--set", "epochs=1", "--store", address]) == 0
    store = ModelStore(address)
    assert store.verify(*store.resolve(f"small@{PRODUCTION}")).training["units"] == 16
    assert f"published small@1 in {address}: " in capsys.readouterr().out


def test_a_store_out_of_reach_is_found_before_the_training(
    tmp_path: Path, corpus: Path, s3: S3Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bucket that does not exist is refused before a run begins."""
    line = job(tmp_path, "--corpus", str(corpus), "--name", "small", *small_options())
    assert command.main([*line[3:], "--store", "s3://no-such-bucket/models"]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("training: the store s3://no-such-bucket/models cannot be reached (")
    assert errors.count("\n") == 1
    assert not (tmp_path / "the runs").exists()


def test_a_version_that_cannot_be_promoted_is_published(
    tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """If the aliases cannot be read, the version is published, and the error names the remedy."""
    line = job(tmp_path, "--corpus", str(corpus), "--name", "small", *small_options())
    aliases = tmp_path / "the store" / "small" / "aliases.json"
    aliases.parent.mkdir(parents=True)
    aliases.write_text("{", encoding="utf-8")
    assert command.main([*line[3:], "--set", "epochs=1"]) == 2
    said = capsys.readouterr()
    assert "published small@1" in said.out
    assert "goes on from here" not in said.err
    *_, why, remedy = said.err.splitlines()
    assert why.startswith("training: ")
    assert remedy.startswith("production did not move; move it with: ")
    aliases.unlink()
    moving = completed(shlex.split(remedy.partition("move it with: ")[2]))
    assert moving.returncode == 0, moving.stderr
    assert ModelStore(tmp_path / "the store").resolve(f"small@{PRODUCTION}") == ("small", 1)


def test_publish_only_wants_a_run(
    tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a run there is nothing to publish."""
    arguments = ("--corpus", str(corpus), "--name", "small", "--publish-only")
    assert "holds no run with a finished epoch" in refused(tmp_path, capsys, *arguments)


def test_a_missing_corpus_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing corpus is an error of one line that names the corpus."""
    assert "no corpus 'absent.txt'" in refused(
        tmp_path, capsys, "--corpus", "absent.txt", "--name", "small"
    )


def test_an_unknown_key_is_named(
    tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown key is an error of one line that lists the keys."""
    arguments = ("--corpus", str(corpus), "--name", "small", "--set", "unit=5")
    message = refused(tmp_path, capsys, *arguments)
    assert "unknown key 'unit'; the keys are: cell, layers, units," in message


@pytest.mark.parametrize("name", ["Small", "../small", "", "a b"])
def test_an_invalid_name_is_found_before_the_training(
    tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """An invalid name is refused before any file is written."""
    assert "cannot name a model" in refused(
        tmp_path, capsys, "--corpus", str(corpus), "--name", name, *small_options()
    )
    assert sorted(tmp_path.iterdir()) == [corpus]


def test_an_unusable_store_is_found_before_the_training(
    tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A store that is a file is refused before a run begins."""
    (tmp_path / "the store").write_text("a file, not a folder")
    arguments = ("--corpus", str(corpus), "--name", "small", *small_options())
    assert "the store" in refused(tmp_path, capsys, *arguments)
    assert not (tmp_path / "the runs").exists()


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_read_only_store_is_found_before_the_training(
    tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A store folder without write permission is refused before a run begins."""
    (tmp_path / "the store").mkdir(mode=0o500)
    arguments = ("--corpus", str(corpus), "--name", "small", *small_options())
    assert "Permission denied" in refused(tmp_path, capsys, *arguments)
    assert not (tmp_path / "the runs").exists()


@pytest.mark.parametrize("given", [["a.txt", "b.txt"], ["a.txt", "--corpus", "b.txt"], ["."]])
def test_several_files_are_one_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], given: list[str]
) -> None:
    """Two files, given in any way, make one text with a line feed between them."""
    (tmp_path / "a.txt").write_text(ENGLISH[:2999].rstrip("\n"), encoding="utf-8")
    (tmp_path / "b.txt").write_text("b" * 2000, encoding="utf-8")
    arguments = ("--corpus", *given, "--corpora-dir", str(tmp_path), "--name", "small")
    arguments += ("--set", "batch_size=64", "--set", "sequence_length=128")
    assert "the training text has 4500 characters" in refused(tmp_path, capsys, *arguments)


def test_min_count_is_a_key(
    tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The value of `--min-count` is validated as the key `min_count`, and the error names the option."""
    arguments = ("--corpus", str(corpus), "--name", "small", "--min-count", "0")
    assert "training: --min-count: Input should be greater than or equal to 1 (got '0')" in refused(
        tmp_path, capsys, *arguments
    )


def test_a_file_that_is_not_text_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file with thousands of symbols is refused with the limit."""
    path = tmp_path / "binary"
    path.write_text("".join(chr(code) for code in range(0x4E00, 0x4E00 + 3000)), encoding="utf-8")
    message = refused(tmp_path, capsys, "--corpus", str(path), "--name", "small")
    assert "3,000 distinct characters and the limit is 1,000" in message


def test_bytes_that_are_no_text_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A binary file is refused, and the error says what the file seems to be."""
    message = refused(tmp_path, capsys, "--corpus", sys.executable, "--name", "small")
    assert message == f"training: {sys.executable} is a program\n"


def test_faust_without_its_file_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A known text without an address is refused with its file name and the option."""
    message = refused(tmp_path, capsys, "--corpus", "faust", "--name", "faust")
    assert "put faust.txt into --corpora-dir" in message


def test_a_refused_training_spares_the_earlier_run(
    tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A text too short for a batch is refused before the earlier run is replaced."""
    earlier = tmp_path / "the runs" / "small" / "best-3.npz"
    earlier.parent.mkdir(parents=True)
    earlier.write_bytes(b"precious")
    sizes = ("--set", "batch_size=64", "--set", "sequence_length=128")
    arguments = ("--corpus", str(corpus), "--name", "small", *sizes)
    message = refused(tmp_path, capsys, *arguments)
    assert "4500 characters but one batch takes 8192: lower batch_size" in message
    assert earlier.read_bytes() == b"precious"
