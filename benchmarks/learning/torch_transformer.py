"""A transformer with the figures of nanoGPT's recipe for processors (README, "I only have a macbook").

4 layers of 128 units with 4 heads, windows of 64 characters in batches of 12, no dropout; AdamW at 10⁻³ with
100 steps of warm-up and a cosine down to 10⁻⁴ at step 2,000, betas 0.9 and 0.99, weight decay 0.1 on
matrices, gradients clipped at 1.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy, gelu, scaled_dot_product_attention

from benchmarks.learning.text import Ids, Text

LAYERS, UNITS, HEADS, CONTEXT, ROWS = 4, 128, 4, 64, 12
RATE, LEAST_RATE, WARM_UP, DECAY = 1e-3, 1e-4, 100, 2000


class Block(torch.nn.Module):  # type: ignore[misc]
    """Attention to what was read so far, then two layers for each position; each adds to its input."""

    def __init__(self) -> None:
        super().__init__()
        self.before_attention, self.before_layers = (
            torch.nn.LayerNorm(UNITS, bias=False) for _ in range(2)
        )
        self.queries_keys_values = torch.nn.Linear(UNITS, 3 * UNITS, bias=False)
        self.mixed = torch.nn.Linear(UNITS, UNITS, bias=False)
        self.inner = torch.nn.Linear(UNITS, 4 * UNITS, bias=False)
        self.outer = torch.nn.Linear(4 * UNITS, UNITS, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map [B, T, UNITS] to the same shape."""
        rows, length, _ = x.shape
        parts = self.queries_keys_values(self.before_attention(x))
        heads = parts.view(rows, length, 3, HEADS, UNITS // HEADS).permute(2, 0, 3, 1, 4)
        seen = scaled_dot_product_attention(*heads, is_causal=True)
        x = x + self.mixed(seen.transpose(1, 2).reshape(rows, length, UNITS))
        return x + self.outer(gelu(self.inner(self.before_layers(x))))


class Transformer(torch.nn.Module):  # type: ignore[misc]
    """The transformer; the matrix of the embeddings is also that of the output."""

    context = CONTEXT

    def __init__(self, symbols: int, seed: int) -> None:
        super().__init__()
        self.symbols = torch.nn.Embedding(symbols, UNITS)
        self.places = torch.nn.Embedding(CONTEXT, UNITS)
        self.blocks = torch.nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.last = torch.nn.LayerNorm(UNITS, bias=False)
        for name, weights in self.named_parameters():
            if weights.ndim == 2:
                into = name.endswith(("mixed.weight", "outer.weight"))
                torch.nn.init.normal_(weights, std=0.02 / math.sqrt(2 * LAYERS if into else 1))
        matrices, vectors = ([w for w in self.parameters() if w.ndim == n] for n in (2, 1))
        groups = [
            {"params": matrices, "weight_decay": 0.1},
            {"params": vectors, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, RATE, betas=(0.9, 0.99))
        self.steps, self.rng = 0, np.random.default_rng(seed)

    def batches(self, text: Text, length: int) -> Iterator[tuple[Ids, Ids]]:  # noqa: ARG002
        """Yield windows of CONTEXT characters, whatever the length, from random places."""
        return text.anywhere(ROWS, CONTEXT, self.rng)

    def forward(self, inputs: Ids) -> torch.Tensor:
        """Return the logits [B, T, V] of ids [B, T], T ≤ CONTEXT."""
        places = torch.arange(inputs.shape[1])
        x = self.symbols(torch.tensor(inputs)) + self.places(places)
        return self.last(self.blocks(x)) @ self.symbols.weight.T

    def step(self, inputs: Ids, targets: Ids) -> None:
        """Update the weights once."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate(self.steps)
        self.steps += 1
        self.optimizer.zero_grad()
        cross_entropy(self(inputs).flatten(0, 1), torch.tensor(targets).flatten()).backward()
        torch.nn.utils.clip_grad_norm_(self.parameters(), 1.0)
        self.optimizer.step()

    def losses(self, rows: Ids) -> Any:
        """Return the losses [B, T − 1]."""
        with torch.no_grad():
            logits = self(rows[:, :-1]).transpose(1, 2)
            return cross_entropy(logits, torch.tensor(rows[:, 1:]), reduction="none").numpy()


def rate(step: int) -> float:
    """Return the learning rate of a step, from 0."""
    if step < WARM_UP:
        return RATE * (step + 1) / (WARM_UP + 1)
    share = min(1.0, (step - WARM_UP) / (DECAY - WARM_UP))
    return LEAST_RATE + (RATE - LEAST_RATE) * 0.5 * (1 + math.cos(math.pi * share))


def network(symbols: int, threads: int, seed: int, bfloat16: bool) -> Transformer:  # noqa: ARG001
    """Return the side; nanoGPT computes in fp32 on processors."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    return Transformer(symbols, seed)
