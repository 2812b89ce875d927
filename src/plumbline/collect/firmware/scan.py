"""Goes once through every file of an image, and through bytes that are no files, and shows each to the inspectors.

Not what they look for (`inspectors`). Rules: a file with several names is read once; of what is very large the beginning is searched, and
that is said; needles of all inspectors are searched together (`needles`), batch by batch, so that memory is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from plumbline.collect.firmware.contents import Contents
from plumbline.collect.firmware.needles import Hits, Needles
from plumbline.collect.firmware.tree import Entry
from plumbline.collect.firmware.unpack import Layer

FILE_MAX = 64 << 20  # bytes of one file that are searched
WINDOW, OVERLAP = 16 << 20, 64 << 10  # of a layer without files
LAYER_MAX = 1 << 30  # bytes of one layer without files that are searched
BATCH_BYTES, BATCH_FILES = 8 << 20, 500
HEAD = 8192


@dataclass(frozen=True, slots=True)
class Seen:
    """One file's bytes, or a window, at `start`, of those of a layer that holds no files; `path` is what rows show."""

    layer: Layer
    entry: Entry | None
    path: str
    start: int
    data: bytes

    @property
    def is_text(self) -> bool:
        """Whether it is a file of text: without a NUL in its first bytes."""
        return self.entry is not None and b"\0" not in self.data[:HEAD]


class Inspector(Protocol):
    """Somebody who looks for something; `tables` suffer where a file cannot be read."""

    tables: tuple[str, ...]

    def needles(self) -> Iterable[bytes]:
        """Give words, of three bytes of ASCII or more, whose places it wants to know."""
        ...

    def look(self, seen: Seen, hits: Hits) -> None:
        """Look at one file."""
        ...


def scan(contents: Contents, inspectors: Sequence[Inspector]) -> None:
    """Show everything to all inspectors; raises BudgetSpentError."""
    needles = Needles(needle for inspector in inspectors for needle in inspector.needles())
    tables = tuple(table for inspector in inspectors for table in inspector.tables)
    batch: list[Seen] = []
    size = 0
    for seen in _everything(contents, tables):
        batch.append(seen)
        size += len(seen.data)
        if size >= BATCH_BYTES or len(batch) >= BATCH_FILES:
            _show(batch, needles, inspectors)
            batch, size = [], 0
    _show(batch, needles, inspectors)


def _show(batch: Sequence[Seen], needles: Needles, inspectors: Sequence[Inspector]) -> None:
    for seen, hits in zip(batch, needles.find([seen.data for seen in batch]), strict=True):
        for inspector in inspectors:
            inspector.look(seen, hits)


def _everything(contents: Contents, tables: tuple[str, ...]) -> Iterator[Seen]:
    yield from _files(contents, tables)
    for layer in contents.layers:
        if _is_bytes_alone(layer, contents.layers):
            yield from _windows(layer)
            if layer.source.size > LAYER_MAX:
                contents.fell_short([f"only its first {LAYER_MAX >> 20} MB were searched"], layer.path, *tables)


def _is_bytes_alone(layer: Layer, layers: Iterable[Layer]) -> bool:
    """Tell whether a layer is looked at as bytes: nothing else was found in it, and it is not blank."""
    if layer.tree is not None or layer.kind == "blank" or (layer.opened and layer.opened.parts):
        return False
    return not any(other.path.startswith(layer.below("@")) for other in layers)


def _files(contents: Contents, tables: tuple[str, ...]) -> Iterator[Seen]:
    every = [(layer, entry) for layer, tree in contents.trees for entry in tree.entries.values() if entry.kind == "file" and entry.size]
    seen: set[tuple[int, Any]] = set()
    for done, (layer, entry) in enumerate(every):
        if done % BATCH_FILES == 0:
            contents.sink.progress(done, len(every))
        if (id(layer), entry.reference) in seen:
            continue
        seen.add((id(layer), entry.reference))
        data = contents.content(layer, entry, FILE_MAX, *tables)
        path = contents.shown(layer, entry.path)
        if entry.size > FILE_MAX:
            contents.fell_short([f"only its first {FILE_MAX >> 20} MB were searched"], path, *tables)
        if data:
            yield Seen(layer, entry, path, 0, data)


def _windows(layer: Layer) -> Iterator[Seen]:
    for start in range(0, min(layer.source.size, LAYER_MAX), WINDOW):
        yield Seen(layer, None, layer.path or "@0x0", start, layer.source.some(start, WINDOW + OVERLAP))
