"""The place of this process among the workers of one training, read without TensorFlow."""

import json

from training.errors import ConfigError


def place(description: str) -> tuple[int, int]:
    """Return the number of workers, and the index of this worker, from a `TF_CONFIG`.

    Raises:
        ConfigError: the description is invalid.
    """
    if not description:
        return 1, 0
    try:
        values = json.loads(description)
        number, task = len(values["cluster"]["worker"]), values["task"]
        if set(values["cluster"]) != {"worker"} or task["type"] != "worker":
            raise ConfigError("TF_CONFIG: all processes are to be of the type worker")
        index = int(task["index"])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"TF_CONFIG is no description of a cluster: {error!r}") from None
    if not 0 <= index < number:
        raise ConfigError(f"TF_CONFIG: worker {index} is none of the {number}")
    return number, index
