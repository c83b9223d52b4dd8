"""The configuration comes from a TOML file and the command line, and every mistake is named."""

from pathlib import Path

import pytest

from model_store import BUNDLED, ModelStore
from training.config import TrainingConfig, load_config
from training.errors import ConfigError
from training.suited import suited

CONFIGS = Path(__file__).parents[2] / "training" / "configs"


def toml(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_anything_the_defaults_stand() -> None:
    """No file and no overrides give the defaults."""
    assert load_config(None, []) == TrainingConfig()


def test_a_toml_file_sets_keys(tmp_path: Path) -> None:
    """Keys of the file replace the defaults of these keys alone."""
    file = toml(tmp_path, 'layers = 3\nunits = 512\ndropout = 0\nprecision = "float32"\n')
    expected = TrainingConfig(layers=3, units=512, dropout=0.0, precision="float32")
    assert load_config(file, []) == expected


def test_a_toml_file_with_a_byte_order_mark(tmp_path: Path) -> None:
    """The mark that editors on Windows write is no part of the first key."""
    assert load_config(toml(tmp_path, "\ufeffunits = 512\r\n"), []).units == 512


def test_the_command_line_wins(tmp_path: Path) -> None:
    """`--set` overrides the file, the last value of a key counts, and outer spaces are ignored."""
    file = toml(tmp_path, "units = 512\n")
    assert load_config(file, ["units=8", " units = 16 ", "learning_rate=1e-4"]) == TrainingConfig(
        units=16, learning_rate=1e-4
    )


def test_a_settled_key_can_only_be_repeated(tmp_path: Path) -> None:
    """A key that the parent settles may only be repeated, in the file and on the command line."""
    settled = {"units": 32, "cell": "gru"}
    expected = TrainingConfig(units=32, cell="gru", epochs=3)
    assert load_config(None, ["epochs=3", "units=32"], settled) == expected
    for load in (
        lambda: load_config(None, ["units=64"], settled),
        lambda: load_config(toml(tmp_path, "units = 64"), [], settled),
    ):
        with pytest.raises(
            ConfigError, match=r"units is 32 in the version .* cannot be 64: leave units out$"
        ):
            load()


def test_an_unknown_key_lists_the_keys(tmp_path: Path) -> None:
    """The error for an unknown key lists all keys."""
    for load in (
        lambda: load_config(None, ["unit=5"]),
        lambda: load_config(toml(tmp_path, "unit = 5"), []),
    ):
        with pytest.raises(ConfigError, match="unknown key 'unit'") as caught:
            load()
        assert all(key in str(caught.value) for key in TrainingConfig.model_fields)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("units", "many"),
        ("units", "0"),
        ("units", "1.5"),
        ("layers", "9"),
        ("dropout", "1"),
        ("dropout", "-0.1"),
        ("epochs", "0"),
        ("batch_size", ""),
        ("learning_rate", "0"),
        ("learning_rate", "nan"),
        ("learning_rate", "inf"),
        ("weight_decay", "inf"),
        ("validation_fraction", "1"),
        ("test_fraction", "0.9"),  # and 0.1 for the validation
        ("precision", "float64"),
        ("random_seed", "-1"),
        ("random_seed", str(2**31)),
    ],
)
def test_a_bad_value_is_named(key: str, value: str) -> None:
    """The error for an invalid value names the key and the value."""
    with pytest.raises(ConfigError) as caught:
        load_config(None, [f"{key}={value}"])
    assert str(caught.value).startswith(f"{key}: ")
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("texts=foo", "--texts: must be lines, files, column:NAME or continuous (got 'foo')"),
        (
            "texts=column:",
            "--texts: must be lines, files, column:NAME or continuous (got 'column:')",
        ),
        ("min_count=0", "--min-count: Input should be greater than or equal to 1 (got '0')"),
        ("unknown=keep", "--unknown: Input should be 'error' or 'drop' (got 'keep')"),
        (
            "test_fraction=0.9",
            "test_fraction: the sum with validation_fraction must be less than 1 (got '0.9')",
        ),
    ],
)
def test_a_key_with_an_option_is_named_by_the_option(override: str, problem: str) -> None:
    """The error names the option of a key that has one, and ends with the value."""
    with pytest.raises(ConfigError) as caught:
        load_config(None, [override])
    assert str(caught.value) == problem


@pytest.mark.parametrize("override", ["texts=" + "x" * 5000, "y" * 5000, "z" * 5000 + "=1"])
def test_a_long_value_is_cut(override: str) -> None:
    """An error shows the beginning of a long value or key alone."""
    with pytest.raises(ConfigError) as caught:
        load_config(None, [override])
    assert len(str(caught.value)) < 1000


def test_a_long_value_of_a_file_is_cut(tmp_path: Path) -> None:
    """An error shows the beginning of a long list alone."""
    with pytest.raises(ConfigError, match=r"^units: ") as caught:
        load_config(toml(tmp_path, f"units = {list(range(5000))}"), [])
    assert len(str(caught.value)) < 200


def test_every_mistake_is_told_at_once() -> None:
    """Several invalid values are reported in one error."""
    with pytest.raises(ConfigError, match=r"units: .*; epochs: "):
        load_config(None, ["units=x", "epochs=y"])


def test_an_override_without_a_value_is_refused() -> None:
    """`--set` without a value is refused."""
    with pytest.raises(ConfigError, match="'units' is not of the form key=value"):
        load_config(None, ["units"])


@pytest.mark.parametrize("data", [b"units 5", b"units = 5\nunits = 6", b"name = '\xff'"])
def test_bad_toml_names_the_file(tmp_path: Path, data: bytes) -> None:
    """Invalid TOML and invalid UTF-8 are errors that name the file."""
    file = tmp_path / "config.toml"
    file.write_bytes(data)
    with pytest.raises(ConfigError, match=r"config\.toml is not valid TOML"):
        load_config(file, [])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A missing file is an error that names the file."""
    with pytest.raises(ConfigError, match=r"cannot read the configuration .*absent\.toml"):
        load_config(tmp_path / "absent.toml", [])


@pytest.mark.parametrize("name", ["shakespeare", "faust"])
def test_the_bundled_models_were_trained_so(name: str) -> None:
    """The configuration file of a bundled model equals the training record of its manifest."""
    store = ModelStore(BUNDLED)
    manifest = store.manifest(*store.resolve(name))
    config = suited(load_config(CONFIGS / f"{name}.toml", []), manifest.corpus.characters)
    assert config == TrainingConfig(**manifest.training)


@pytest.mark.parametrize("file", sorted(CONFIGS.iterdir()), ids=lambda file: file.stem)
def test_every_configuration_file_is_valid(file: Path) -> None:
    """A file of the folder has keys and values that the job takes."""
    assert load_config(file, []).model_fields_set
