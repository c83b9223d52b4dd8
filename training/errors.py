"""The errors of a training job; each message names the remedy, and shows little of a value."""


class TrainingError(Exception):
    """Base of every error that the job reports in one line instead of a traceback."""


class ConfigError(TrainingError):
    """A configuration key or value that does not exist or does not fit."""


class CorpusError(TrainingError):
    """A corpus that cannot be found, read or used."""


class ParityError(TrainingError):
    """An exported graph that does not compute what the trained model computes."""


class Int8Error(ParityError):
    """An int8 graph that does not compute what the fp32 graph computes."""


def quoted(value: object, most: int = 80) -> str:
    """Return a value as an error shows it: quoted, printable and cut to `most` characters."""
    return repr(value[:most]) if isinstance(value, str) else repr(value)[:most]
