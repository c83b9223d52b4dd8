"""`python -m training compare NAME@1 NAME@2 …`: versions side by side."""

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from model_store import (
    BUNDLED,
    LayeredStore,
    Manifest,
    ModelStore,
    StoredModel,
    contents,
)
from training.learning.epochs import Epoch, load_epochs, trained
from training.options import CompareOptions
from training.publishing.measured import measured_on

SAMPLE_TEMPERATURE = "0.5"


def compare(options: CompareOptions) -> None:
    """Print metrics, differing configuration keys and a sample of each version; draw the curves.

    Raises:
        StoreError, OSError: a version cannot be found or read, or the picture cannot be written.
    """
    store = LayeredStore([ModelStore(options.store), ModelStore(BUNDLED)])
    opened = [store.resolve(reference) for reference in options.references]
    models = [store.open(*version, paths=[contents.EPOCHS]) for version in opened]
    epochs = {_title(model.manifest): _epochs(model) for model in models}
    measured = {title: each for title, each in epochs.items() if each}

    console = Console(highlight=False)
    _print_manifests(console, [model.manifest for model in models])
    _print_samples(console, measured)
    if options.picture:
        # Imported here, since Matplotlib takes longer than the comparison.
        from training.publishing.curves import write_comparison  # noqa: PLC0415

        write_comparison(measured, options.picture)
        console.print(f"wrote {options.picture}")


def _print_manifests(console: Console, manifests: list[Manifest]) -> None:
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


def _print_samples(console: Console, epochs: Mapping[str, list[Epoch]]) -> None:
    for title, each in epochs.items():
        best = min(each, key=lambda epoch: epoch.validation_loss)
        console.print(f"{title}, temperature {SAMPLE_TEMPERATURE}:", style="bold")
        console.print(best.samples[SAMPLE_TEMPERATURE] + "\n", markup=False)


def _table(manifests: list[Manifest], facts: Callable[[Manifest], dict[str, Any]]) -> Table:
    """Return a table with a column for each version and a row for each fact."""
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
        "corpus": f"{corpus.name}, {corpus.size}",
        "parent": manifest.parent,
        "created": f"{manifest.created:%Y-%m-%d %H:%M}",
        **manifest.metrics,
    }


def _differing(manifests: list[Manifest]) -> Callable[[Manifest], dict[str, Any]]:
    """Return a function to the configuration keys of a version that differ between versions."""

    def facts(manifest: Manifest) -> dict[str, Any]:
        return {
            key: value
            for key, value in manifest.training.items()
            if any(other.training.get(key) != value for other in manifests)
        }

    return facts


def _epochs(model: StoredModel) -> list[Epoch]:
    """Return the epochs of a version; versions that earlier jobs published have none."""
    if contents.EPOCHS not in model.manifest.files:
        return []
    return trained(load_epochs(model.file(contents.EPOCHS).read_bytes()))


def _title(manifest: Manifest) -> str:
    return f"{manifest.name}@{manifest.version}"


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.5g}" if isinstance(value, float) else str(value)
