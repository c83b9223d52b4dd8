"""`python -m training compare NAME@1 NAME@2 …`: versions side by side."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from model_store import (
    BUNDLED,
    LayeredStore,
    Manifest,
    ModelStore,
    StoredModel,
    StoreError,
    contents,
)
from training.learning.epochs import Epoch, load_epochs
from training.options import add_store
from training.publishing.curves import write_comparison
from training.publishing.measured import measured_on

SAMPLE_TEMPERATURE = "0.5"


def main(arguments: list[str]) -> int:
    """Print the comparison; return the exit status. Errors are one line on standard error."""
    options = _parser().parse_args(arguments)
    try:
        store = LayeredStore([ModelStore(options.store), ModelStore(BUNDLED)])
        opened = [store.resolve(reference) for reference in options.references]
        models = [store.open(*version, paths=[contents.EPOCHS]) for version in opened]
        compare(models, Console(highlight=False), options.picture)
    except (StoreError, OSError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 2
    return 0


def compare(models: list[StoredModel], console: Console, picture: Path | None) -> None:
    """Print metrics, what differs in the configuration, and a sample of each; draw the curves."""
    manifests = [model.manifest for model in models]
    console.print("metrics", style="bold")
    console.print(_table(manifests, _facts))
    differing = _table(manifests, _differing(manifests))
    if differing.row_count:
        console.print("configuration, where it differs", style="bold")
        console.print(differing)
    elif len(manifests) > 1:
        console.print("The configurations are the same.\n")
    if len({measured_on(manifest) for manifest in manifests}) > 1:
        console.print("The losses are over different texts and say nothing about each other.\n")
    epochs = {_title(model.manifest): _epochs(model) for model in models}
    for title, each in epochs.items():
        if each:
            best = min(each, key=lambda epoch: epoch.validation_loss)
            console.print(f"{title}, temperature {SAMPLE_TEMPERATURE}:", style="bold")
            console.print(best.samples[SAMPLE_TEMPERATURE] + "\n", markup=False)
    if picture:
        write_comparison({title: each for title, each in epochs.items() if each}, picture)
        console.print(f"wrote {picture}")


def _table(manifests: list[Manifest], facts: Callable[[Manifest], dict[str, Any]]) -> Table:
    table = Table()
    table.add_column()
    columns = [facts(manifest) for manifest in manifests]
    for manifest in manifests:
        table.add_column(_title(manifest), justify="right")
    for name in dict.fromkeys(name for column in columns for name in column):
        table.add_row(name, *(_shown(column.get(name)) for column in columns))
    return table


def _facts(manifest: Manifest) -> dict[str, Any]:
    shape, corpus = manifest.architecture, manifest.corpus
    return {
        "network": f"{shape.layers} × {shape.units} {shape.cell}",
        "corpus": f"{corpus.name}, {corpus.characters:,} characters",
        "parent": manifest.parent,
        "created": f"{manifest.created:%Y-%m-%d %H:%M}",
        **manifest.metrics,
    }


def _differing(manifests: list[Manifest]) -> Callable[[Manifest], dict[str, Any]]:
    def facts(manifest: Manifest) -> dict[str, Any]:
        return {
            key: value
            for key, value in manifest.training.items()
            if any(other.training.get(key) != value for other in manifests)
        }

    return facts


def _epochs(model: StoredModel) -> list[Epoch]:
    """Return the epochs of a version; none of one that an earlier job published."""
    if contents.EPOCHS not in model.manifest.files:
        return []
    return load_epochs(model.file(contents.EPOCHS).read_bytes())


def _title(manifest: Manifest) -> str:
    return f"{manifest.name}@{manifest.version}"


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training compare", description=__doc__)
    parser.add_argument(
        "references", nargs="+", metavar="REF", help="NAME, NAME@VERSION or NAME@ALIAS"
    )
    add_store(parser)
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the curves as a PNG")
    return parser
