"""Reads an image in this process, without worker and bundle, and keeps what was told."""

from __future__ import annotations

import io
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from plumbline.collect.firmware.contents import Asked
from plumbline.collect.firmware.reading import Reading
from plumbline.collect.firmware.source import Budget, Source
from plumbline.model.words import Outcome
from tests.collect.firmware.making import Node, image


@dataclass
class Told:
    """Rows by table, and what fell short."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    shorts: list[tuple[Outcome, str, tuple[str, ...]]] = field(default_factory=list)

    def row(self, table: str, subject: str = "", *, at: int | None = None, **columns: Any) -> None:
        self.rows[table].append({"subject": subject, "at": at, **columns})

    def short(self, outcome: Outcome, detail: str, *tables: str) -> None:
        self.shorts.append((outcome, detail, tables))

    def progress(self, done: int, total: int) -> None:
        """Nobody waits for it."""

    def said_of(self, table: str) -> list[str]:
        return [detail for _, detail, tables in self.shorts if table in tables or not tables]


def told_of(data: bytes) -> Told:
    told = Told()
    Reading(Asked("cam.bin", "0" * 64, len(data), None, bytes(32)), told).run(Source.of_file(io.BytesIO(data)), Budget(1 << 30))
    return told


def told_of_files(files: dict[str, Node | bytes | str]) -> Told:
    return told_of(image(files))
