"""The modules of the three packages and what they import."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Import:
    """One import of a module, of the whole name that is imported."""

    name: str
    line: int


class Tree:
    """The modules below a folder and what they import."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.modules = {
            ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
            for package in ("model_store", "service", "training")
            for path in sorted((root / package).rglob("*.py"))
        }
        self.imports = cache(self._imports)
        self.reached = cache(self._reached)

    def below(self, name: str) -> list[str]:
        """Return the modules of that name or in a package of that name."""
        return [module for module in self.modules if is_below(module, name)]

    def _imports(self, module: str) -> list[Import]:
        """Return what a module imports, also inside functions."""
        return list(imports(self.modules[module]))

    def _reached(self, module: str) -> frozenset[str]:
        """Return every name that a module imports, and those that these import, and so on."""
        found: set[str] = set()
        ahead = [module]
        while ahead:
            for each in self.imports(ahead.pop()):
                if each.name not in found:
                    found.add(each.name)
                    ahead += filter(None, [self.module_of(each.name)])
        return frozenset(found)

    def module_of(self, name: str) -> str | None:
        """Return the module that a name is or lies in; packages are not looked into."""
        inner = name if name in self.modules else name.rpartition(".")[0]
        known = inner in self.modules and self.modules[inner].name != "__init__.py"
        return inner if known else None


def imports(path: Path) -> Iterator[Import]:
    """Yield each imported name, whole, with its line; also those inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            prefix = "." * node.level + (node.module or "")
            yield from (Import(f"{prefix}.{alias.name}", node.lineno) for alias in node.names)


def room_of(name: str) -> str:
    """Return the room of a module or of an imported name: its second part."""
    return name.partition(".")[2].partition(".")[0]


def is_below(name: str, package: str) -> bool:
    """Return whether a name is that of a package or of something in it."""
    return name == package or name.startswith(f"{package}.")
