"""Read results through a format, from a file of the test's own."""

from __future__ import annotations

from pathlib import Path

from plumbline.collect.imports.formats import readers
from plumbline.collect.imports.results import Read, Reported, Seen
from plumbline.collect.imports.source import Source


def read(kind: str, folder: Path, data: bytes) -> list[Read]:
    path = folder / "results"
    path.write_bytes(data)
    return list(readers()[kind](Source(path)))


def findings(found: list[Read]) -> list[Reported]:
    return [one for one in found if isinstance(one, Reported)]


def services(found: list[Read]) -> list[Seen]:
    return [one for one in found if isinstance(one, Seen)]


def said(found: list[Read]) -> list[str]:
    return [one for one in found if isinstance(one, str)]
