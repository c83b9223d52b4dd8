"""The defaults of the network and its training suit the size of the text."""

from pathlib import Path

import pytest

from tests.servers import ROOT
from tests.training.commands import job
from training.config import TrainingConfig, load_config
from training.inputs import inputs_of_training
from training.options import TrainOptions, parse
from training.suited import (
    ENOUGH_STEPS,
    KEYS,
    MOST_EPOCHS,
    SUITED,
    TAUGHT,
    described,
    lasting,
    suited,
    table,
)

TRAINING = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("below", SUITED)
def test_a_shorter_text_gets_a_smaller_network(below: int) -> None:
    """The defaults change at the documented sizes, and every value is a valid one."""
    config = suited(TrainingConfig(), below - 1)
    assert {key: getattr(config, key) for key in KEYS} == SUITED[below]
    assert TrainingConfig(**config.model_dump()) == config
    assert suited(TrainingConfig(), below) != config


def test_a_long_text_gets_the_defaults_of_the_configuration() -> None:
    """From the largest size of the table on, the configuration's own defaults stand."""
    assert suited(TrainingConfig(), max(SUITED)) == TrainingConfig()


def test_a_named_value_stays() -> None:
    """A value that the command or the file names is never changed, even the default itself."""
    config = suited(load_config(None, ["units=768", "epochs=3"]), 20_000)
    assert (config.units, config.epochs) == (768, 3)
    assert config.batch_size == SUITED[100_000]["batch_size"]


@pytest.mark.parametrize(
    ("steps", "epochs"), [(1, MOST_EPOCHS), (19, 53), (25, 40), (50, 20), (51, 20), (9000, 20)]
)
def test_a_short_text_gets_more_epochs(steps: int, epochs: int) -> None:
    """Epochs of few steps are more, until there are enough steps or the most epochs."""
    assert lasting(TrainingConfig(), steps).epochs == epochs


def test_a_named_number_of_epochs_stays() -> None:
    """A named number of epochs is never changed; a text by teachers makes enough steps by itself."""
    assert lasting(load_config(None, ["epochs=20"]), 3).epochs == 20
    assert lasting(TrainingConfig(teacher_text=9000), 3).epochs == 20


def test_the_job_takes_more_epochs(tmp_path: Path, corpus: Path) -> None:
    """The job's inputs for 5,000 characters have the epochs that make at least 1,000 steps."""
    options = parse(job(tmp_path, "--corpus", str(corpus), "--name", "small")[3:])
    assert isinstance(options, TrainOptions)
    with inputs_of_training(options) as (inputs, batches):
        assert inputs.config.epochs == 59
        assert 58 * len(batches) < ENOUGH_STEPS <= 59 * len(batches)


def test_the_guide_has_the_epochs() -> None:
    """docs/training.md says how many epochs there are, and when there are more."""
    words = " ".join(TRAINING.split())
    assert f"at least {TrainingConfig().epochs} epochs" in words
    assert f"for {ENOUGH_STEPS:,} steps, and at most {MOST_EPOCHS}" in words


def test_a_text_by_teachers_needs_no_dropout() -> None:
    """With `teacher_text` the regularisation is off at every size; a named value stays."""
    for characters in (20_000, 1_000_000):
        config = suited(load_config(None, ["teacher_text=9000", "dropout=0.1"]), characters)
        assert {key: getattr(config, key) for key in TAUGHT} == {**TAUGHT, "dropout": 0.1}
    assert suited(TrainingConfig(teacher_text=9000), 20_000).units == SUITED[100_000]["units"]


def test_the_values_are_said() -> None:
    """The job's line and the help have every key with its value."""
    config = suited(TrainingConfig(), 20_000)
    for key, value in SUITED[100_000].items():
        assert f"{key} {value}" in described(config)
        assert f"{key}={value}" in table()
    for key, value in TAUGHT.items():
        assert f"{key}={value}" in table()
    assert f"epochs for {ENOUGH_STEPS:,} steps, at most {MOST_EPOCHS}" in table()


def test_the_guide_has_the_table() -> None:
    """docs/training.md shows the values of every size."""
    defaults = {key: getattr(TrainingConfig(), key) for key in KEYS}
    rows = {f"below {below:,}": values for below, values in SUITED.items()}
    for name, values in {**rows, "else, as in the tables below": defaults}.items():
        assert f"| {name} | {' | '.join(str(values[key]) for key in KEYS)} |" in TRAINING
