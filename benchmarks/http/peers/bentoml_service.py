"""BentoML around the plain loop, at BentoML's defaults."""

import bentoml

from benchmarks.http.peers.plain_loop import PlainLoop


@bentoml.service
class Writer:
    """The route `POST /generate`."""

    def __init__(self) -> None:
        self._loop = PlainLoop()

    @bentoml.api
    def generate(self, seed: str, length: int, random_seed: int) -> dict[str, str]:
        """Return the text of a request."""
        return {"text": self._loop.text(seed, length, random_seed)}
