"""The table of the soak: each fault, what clients saw, and how long until all was good."""

from collections.abc import Iterable, Mapping

from rich.table import Table

from tests.soak.ledger import Episode, Ledger, seconds_of_trouble
from tests.soak.resources import Held

COLUMNS = ["fault", "times", "requests", "lost", "wrong", "slowest", "clients well", "whole"]


def faults(ledger: Ledger, episodes: Iterable[Episode]) -> Table:
    """Return a row for each fault; of several times that a fault was made, the longest seconds."""
    table = Table(*COLUMNS, title="seconds after the fault; longest of all times")
    by_fault: dict[str, list[Episode]] = {}
    for episode in episodes:
        by_fault.setdefault(episode.fault, []).append(episode)
    for fault, times in by_fault.items():
        table.add_row(fault, *_figures(ledger, times))
    return table


def _figures(ledger: Ledger, times: list[Episode]) -> list[str]:
    visits = [ledger.of(episode) for episode in times]
    everything = [visit for each in visits for visit in each]
    trouble = max(map(seconds_of_trouble, times, visits))
    return [
        str(len(times)),
        str(len(everything)),
        str(sum(visit.lost for visit in everything)),
        str(sum(visit.wrong for visit in everything)),
        f"{max(visit.ended - visit.began for visit in everything):.1f}",
        f"{trouble:.1f}",
        f"{max(episode.whole - episode.began for episode in times):.1f}",
    ]


def resources(before: Mapping[str, Held], after: Mapping[str, Held]) -> Table:
    """Return what each role held after the warm-up and at the end."""
    table = Table("process", "threads", "descriptors", "memory, MB", title="warm → end")
    for role, was in before.items():
        held = after[role]
        table.add_row(
            role,
            f"{was.threads} → {held.threads}",
            f"{was.descriptors} → {held.descriptors}",
            f"{was.memory / 1e6:.1f} → {held.memory / 1e6:.1f}",
        )
    return table
