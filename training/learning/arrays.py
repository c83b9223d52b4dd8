"""Arrays by name in a sealed file."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_store import write_atomically
from training.sealed import is_sealed, sealed

Arrays = dict[str, NDArray[Any]]


def read_arrays(path: Path) -> Arrays | None:
    """Return the arrays of a file by name, or None for a file that is missing or damaged."""
    if not is_sealed(path):
        return None
    with np.load(path) as arrays:
        return dict(arrays)


def write_arrays(path: Path, *arrays: NDArray[Any], **named: NDArray[Any]) -> None:
    """Write arrays by their names, and arrays without a name as `arr_0`, `arr_1` and so on."""
    data = io.BytesIO()
    np.savez(data, *arrays, **named)  # type: ignore[arg-type]
    write_atomically(path, sealed(data.getvalue()))
