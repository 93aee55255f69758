"""Settings as they were written, each with its source; not checked yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from . import sentences

Tree = dict[str, Any]
"""Settings before they are checked: tables in tables, as TOML has them."""
Environ = Mapping[str, str]


class Draft:
    """What was put in last is what holds."""

    def __init__(self) -> None:
        self.tree: Tree = {}
        self._sources: dict[sentences.Path, str] = {}

    def put_tree(self, path: tuple[str, ...], tree: Tree, source: str) -> None:
        for key, value in tree.items():
            if isinstance(value, dict) and value:
                self.put_tree((*path, key), value, source)
            else:
                self.put((*path, key), value, source)

    def put(self, path: tuple[str, ...], value: object, source: str) -> None:
        """Set one value. Where something that is no table stands in the way, that stays, for the check to name."""
        node = self.tree
        for step in path[:-1]:
            node = node.setdefault(step, {})
            if not isinstance(node, dict):
                return
        node[path[-1]] = value
        self._sources[path] = source

    def at(self, path: sentences.Path) -> object:
        """The value as it was written; None where there is none."""
        node: Any = self.tree
        for step in path:
            try:
                node = node[step]
            except (KeyError, IndexError, TypeError):
                return None
        return node

    def source(self, path: sentences.Path) -> str:
        """Who set the value, or the list that holds it, or (a key that is missing) another of its table."""
        for length in range(len(path), 0, -1):
            if found := self._sources.get(tuple(path[:length])):
                return found
        below = (source for known, source in self._sources.items() if known[: len(path)] == tuple(path))
        return next(below, "default")


def leaves(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every value that holds no further settings, and its path; an empty table or list is one."""
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from leaves(value, (*path, key))
    elif isinstance(node, list | tuple) and node:
        for position, value in enumerate(node):
            yield from leaves(value, (*path, position))
    else:
        yield path, node
