"""LitServe around the plain loop, at LitServe's defaults; the argument is the port."""

import sys
from typing import Any

import litserve

from benchmarks.http.peers.plain_loop import PlainLoop


class Writer(litserve.LitAPI):  # type: ignore[misc]  # not installed where mypy runs
    """The route `POST /predict`."""

    def setup(self, device: Any) -> None:  # noqa: ARG002 - LitServe's signature
        """Load the model."""
        self._loop = PlainLoop()

    def predict(self, request: dict[str, Any]) -> dict[str, str]:
        """Return the text of a request."""
        return {"text": self._loop.text(**request)}


if __name__ == "__main__":
    litserve.LitServer(Writer()).run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False
    )
