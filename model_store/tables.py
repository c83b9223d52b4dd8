"""Manifests and lists as text for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from model_store.manifest import FileEntry, Manifest

VALIDATION_NATS = "validation_nats"


def list_row(manifest: Manifest, aliases: Mapping[str, int]) -> list[str]:
    """Return one version's cells: name, version, aliases, created, validation nats, size, remark."""
    nats = manifest.metrics.get(VALIDATION_NATS)
    names = [alias for alias, version in aliases.items() if version == manifest.version]
    return [
        manifest.name,
        str(manifest.version),
        ", ".join(names) or "-",
        f"{manifest.created:%Y-%m-%d %H:%M}",
        "-" if nats is None else f"{nats:.4f}",
        human_size(manifest),
        manifest.remark or "",
    ]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows in aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_aligned(row, widths) for row in rows)


def describe(manifest: Manifest) -> str:
    """Return a manifest as text for a terminal."""
    shape, corpus, parent = manifest.architecture, manifest.corpus, manifest.parent
    facts = {
        "created": f"{manifest.created:%Y-%m-%d %H:%M:%S %Z}",
        "digest": manifest.digest,
        "fingerprint": manifest.fingerprint or "-",
        "git commit": manifest.git_commit or "-",
        "network": f"{shape.layers} x {shape.units} {shape.cell}, embedding {shape.embedding}",
        "vocabulary": f"{manifest.vocabulary_size} characters",
        "corpus": f"{corpus.name}, {corpus.size}, SHA-256 {corpus.sha256}",
        "seed text": "-" if manifest.seed_text is None else repr(manifest.seed_text),
        "parent": str(parent or "-"),
        "teachers": ", ".join(map(str, manifest.teachers)) or "-",
        "size": human_size(manifest),
        "remark": manifest.remark or "-",
    }
    sections = [
        _section(f"{manifest.name}@{manifest.version}", facts),
        _section("metrics", manifest.metrics),
        _section("training", manifest.training),
        _section("libraries", manifest.libraries),
        _section("files", {path: _entry(entry) for path, entry in manifest.files.items()}),
    ]
    return "\n\n".join(sections)


def human_size(manifest: Manifest) -> str:
    """Return the size of all files of a version, in B, kB, MB or GB."""
    size = sum(entry.size for entry in manifest.files.values())
    for scale, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} B"


def _section(title: str, facts: dict[str, Any]) -> str:
    rows = [[f"  {name}", str(value)] for name, value in facts.items()]
    return "\n".join([title, table(rows)]) if rows else f"{title}\n  -"


def _entry(entry: FileEntry) -> str:
    return f"{entry.sha256}  {entry.size:>12,} bytes"


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()
