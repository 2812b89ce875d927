"""The files of an image's trees and how they are read: by place, as text or bytes, with what could not be read said of the right table.

Not what the files say. Rules: a file that cannot be read, or is larger than its kind may be, makes the table partial, and the rest goes on;
a spent budget ends the reading (BudgetSpentError is for whoever runs it).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Protocol

from plumbline.collect.firmware.source import BudgetSpentError
from plumbline.collect.firmware.tree import Entry, Tree
from plumbline.collect.firmware.unpack import Layer
from plumbline.model.errors import ProtocolError
from plumbline.model.words import Outcome
from plumbline.rig.secrets import keyed_digest

TEXT_MAX = 1 << 20


class Sink(Protocol):
    """Where rows go. `at` is the offset in the supplied file that a row is cited by; None: the file as a whole."""

    def row(self, table: str, subject: str = "", *, at: int | None = None, **columns: Any) -> None:
        """Take one row."""
        ...

    def short(self, outcome: Outcome, detail: str, *tables: str) -> None:
        """Take what kept some tables short, or all of them."""
        ...

    def progress(self, done: int, total: int) -> None:
        """Hear how far it is."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reading is told of its image: how the rig file calls it, its digest, the declared model, and the rig's key."""

    path: str
    sha256: str
    size_bytes: int
    model: str | None
    key: bytes

    @property
    def name(self) -> str:
        """Its last component, for messages."""
        return self.path.rpartition("/")[2]


class Contents:
    """All trees of one image, and the rows that are written of them."""

    def __init__(self, asked: Asked, sink: Sink, layers: list[Layer]) -> None:
        self.asked = asked
        self.sink = sink
        self.layers = layers
        self.counts: dict[str, int] = {}

    @cached_property
    def trees(self) -> list[tuple[Layer, Tree]]:
        """The layers that hold files, the root file system first."""
        held = [(layer, layer.tree) for layer in self.layers if layer.tree is not None]
        return sorted(held, key=lambda pair: -len(pair[1].entries))

    def shown(self, layer: Layer, path: str) -> str:
        """Show a path of a layer's tree: as it is in the first tree, else behind the way to its layer."""
        return path if not layer.path or layer is self.trees[0][0] else f"{layer.path}!{path}"

    def row(self, table: str, subject: str = "", *, at: int | None = None, **columns: Any) -> None:
        """Write a row, and count it."""
        self.counts[table] = self.counts.get(table, 0) + 1
        self.sink.row(table, subject, at=at, **columns)

    def row_of(self, table: str, layer: Layer, entry: Entry, subject: str | None = None, **columns: Any) -> None:
        """Write a row about a file, its path among the columns; the path is the subject, unless another is given."""
        path = self.shown(layer, entry.path)
        self.row(table, path if subject is None else subject, at=self.place(layer, entry), path=path, **columns)

    def fell_short(self, problems: Iterable[str], path: str, *tables: str, outcome: Outcome = Outcome.PARTIAL) -> None:
        """Say what kept some tables short."""
        for problem in problems:
            self.sink.short(outcome, f"{self.asked.name}: {path[:200]}: {problem}", *tables)

    def digest(self, kind: str, secret: bytes) -> str:
        """Digest a secret under the rig's key (law 8)."""
        return keyed_digest(self.asked.key, kind, secret)

    def matching(self, tree: Tree, pattern: re.Pattern[str]) -> list[tuple[Entry, re.Match[str]]]:
        """Give the files whose paths match, links to files among them by what they lead to."""
        found = []
        for path in tree.entries:
            match = pattern.fullmatch(path)
            entry = tree.resolve(path) if match else None
            if match is not None and entry is not None and entry.kind == "file":
                found.append((entry, match))
        return found

    def reader(self, layer: Layer, table: str) -> Callable[[Entry], str | None]:
        """Give a function that reads text files of a layer for a table."""
        return partial(self.text, layer, table=table)

    def text(self, layer: Layer, entry: Entry, table: str, most: int = TEXT_MAX) -> str | None:
        """Read a text file; one that is larger than a text may be, or cannot be read, makes the table partial."""
        if entry.size > most:
            self.fell_short([f"larger than {most >> 20} MB"], self.shown(layer, entry.path), table)
            return None
        data = self.content(layer, entry, most, table)
        return None if data is None else data.decode("utf-8", "replace")

    def content(self, layer: Layer, entry: Entry, most: int, *tables: str) -> bytes | None:
        """Read a file's first bytes; when it cannot be read, None, and the tables are partial."""
        assert layer.tree is not None  # entries come from trees
        try:
            return layer.tree.content(entry, most)
        except BudgetSpentError:
            raise
        except ProtocolError as error:
            self.fell_short([str(error)], self.shown(layer, entry.path), *tables)
            return None

    def place(self, layer: Layer, entry: Entry) -> int | None:
        """Give the offset of an entry's bytes in the supplied file, or that of its layer, where that lies in the file at all."""
        assert layer.tree is not None  # entries come from trees
        if layer.source.place is None:
            return self.around(layer)
        try:
            inside = layer.tree.files.place(layer.tree.inode(entry))
        except BudgetSpentError:
            raise
        except ProtocolError:
            inside = None
        return layer.source.place + (inside or 0)

    def spot(self, layer: Layer, offset: int) -> int | None:
        """Give the place of an offset in a layer, or that of the nearest one around it."""
        return self.around(layer) if layer.source.place is None else layer.source.place + offset

    def around(self, layer: Layer) -> int | None:
        """Give the place of the nearest layer around one that was decompressed."""
        held = [
            other for other in self.layers if other is not layer and layer.path.startswith(other.path) and other.source.place is not None
        ]
        return max(held, key=lambda other: len(other.path)).source.place if held else None
