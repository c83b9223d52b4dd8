"""Results as tables for people and JSON for programs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.rounds import Bar, Values, number, spread


@dataclass(frozen=True)
class Part:
    """One comparison: its numbers, its table, and its bars."""

    name: str
    title: str
    columns: list[str]
    rows: list[list[str]]
    values: dict[str, Values]
    """The measured numbers by side, one number for each round."""
    bars: list[Bar] = field(default_factory=list)
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return numbers and bars, without the table."""
        return {"values": self.values, "bars": [_bar_json(bar) for bar in self.bars]}


def as_text(part: Part, kind: str) -> str:
    """Return the part, measured on a kind of processor, as text for a terminal."""
    blocks = [f"{part.title} [{kind}]", _aligned([part.columns, *part.rows])]
    if part.bars:
        blocks.append(_aligned([BAR_COLUMNS, *_bar_rows(part.bars)]))
    return "\n\n".join([*blocks, *([part.note] if part.note else [])]) + "\n"


def as_markdown(part: Part, kind: str) -> str:
    """Return the part, measured on a kind of processor, as Markdown."""
    blocks = [f"## {part.title} [{kind}]", _markdown([part.columns, *part.rows])]
    if part.bars:
        blocks.append(_markdown([BAR_COLUMNS, *_bar_rows(part.bars)]))
    return "\n\n".join([*blocks, *([part.note] if part.note else [])]) + "\n"


def write(folder: Path, machine: dict[str, Any], parts: Sequence[Part]) -> None:
    """Write results.json and tables.md."""
    folder.mkdir(parents=True, exist_ok=True)
    results = {"machine": machine, "parts": {part.name: part.as_json() for part in parts}}
    text = json.dumps(results, indent=1, ensure_ascii=False)
    (folder / "results.json").write_text(text, encoding="utf-8")
    tables = "\n".join(as_markdown(part, machine["kind"]) for part in parts)
    (folder / "tables.md").write_text(tables, encoding="utf-8")


BAR_COLUMNS = ["bar", "wanted", "reached", ""]


def _bar_rows(bars: list[Bar]) -> list[list[str]]:
    return [
        [
            bar.what,
            f"{bar.relation} {number(bar.wanted)} {bar.unit}",
            f"{spread(bar.values)} {bar.unit}",
            "met" if bar.met else "**missed**",
        ]
        for bar in bars
    ]


def _bar_json(bar: Bar) -> dict[str, Any]:
    return {
        "what": bar.what,
        "wanted": f"{bar.relation} {bar.wanted} {bar.unit}",
        "reached": bar.reached,
        "met": bar.met,
        "rounds": bar.values,
    }


def _aligned(rows: list[list[str]]) -> str:
    rows = [[cell.replace("**", "") for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join([lines[0], "─" * len(lines[0]), *lines[1:]])


def _markdown(rows: list[list[str]]) -> str:
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, f"|---{'|---:' * (len(rows[0]) - 1)}|", *body])
