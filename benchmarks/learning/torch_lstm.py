"""PyTorch's `nn.LSTM`, with AdamW."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from benchmarks.learning.recipe import EMBEDDING, RATE, ROWS, UNITS
from benchmarks.learning.text import Ids, Text


class TorchLstm(torch.nn.Module):  # type: ignore[misc]
    """Embedding, LSTM and output layer; the state is carried from batch to batch."""

    context = None

    def __init__(self, symbols: int, bfloat16: bool) -> None:
        super().__init__()
        self.bfloat16 = bfloat16
        self.embedding = torch.nn.Embedding(symbols, EMBEDDING)
        self.lstm = torch.nn.LSTM(EMBEDDING, UNITS, batch_first=True)
        self.output = torch.nn.Linear(UNITS, symbols)
        self.optimizer = torch.optim.AdamW(self.parameters(), RATE)
        self.state: Any = None

    def batches(self, text: Text, length: int) -> Iterator[tuple[Ids, Ids]]:
        """Yield the batches of parallel streams."""
        return text.streams(ROWS, length)

    def read(self, inputs: Ids, state: Any) -> tuple[Any, Any]:
        """Return the logits [B, T, V] and the state after them."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            hidden, after = self.lstm(self.embedding(torch.tensor(inputs)), state)
            return self.output(hidden).float(), tuple(part.detach().float() for part in after)

    def step(self, inputs: Ids, targets: Ids) -> None:
        """Update the weights once."""
        logits, self.state = self.read(inputs, self.state)
        self.optimizer.zero_grad()
        cross_entropy(logits.flatten(0, 1), torch.tensor(targets).flatten()).backward()
        torch.nn.utils.clip_grad_norm_(self.parameters(), 1.0)
        self.optimizer.step()

    def losses(self, rows: Ids) -> Any:
        """Return the losses [B, T − 1], from the zero state."""
        with torch.no_grad():
            logits, _ = self.read(rows[:, :-1], None)
            targets = torch.tensor(rows[:, 1:])
            return cross_entropy(logits.transpose(1, 2), targets, reduction="none").numpy()


def network(symbols: int, threads: int, seed: int, bfloat16: bool) -> TorchLstm:
    """Return the side; its products are in bf16 where that is wanted and the processor has bf16."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    return TorchLstm(symbols, bfloat16 and "avx512_bf16" in flags)
