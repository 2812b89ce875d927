"""Reads the results of other tools that the rig file lists into imported_service and imported_finding.

Not whether a result is right: it stands with the trust of the tool that gave it, and whatever rests on it says so. Rules: every file gets
coverage for both tables; a result that belongs nowhere in the rig is counted and said, and so is whatever of the file was not read.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from plumbline.collect.attempt import Attempt, attempt_each
from plumbline.collect.context import Context
from plumbline.collect.imports.formats import readers
from plumbline.collect.imports.placing import NotTaken, Places
from plumbline.collect.imports.results import Read, Reported, Seen
from plumbline.collect.imports.source import Source
from plumbline.evidence.bundle import SuppliedFile
from plumbline.model.entities import Entity, port_subject
from plumbline.model.errors import ProtocolError
from plumbline.model.words import EntityKind, Outcome
from plumbline.rig.models import Import

TABLES = ("imported_service", "imported_finding")
RESULTS_MAX = 1_000_000  # of one file
SUBJECT_MAX = 300
SHOWN_MAX = 5


def collect(context: Context) -> None:
    """Read every import of the rig file."""
    by_path: dict[Path, list[Import]] = {}
    for one in context.rig.imports:
        by_path.setdefault(one.path, []).append(one)

    def read(attempt: Attempt, file: SuppliedFile) -> None:
        for named in by_path[file.path]:
            _read(attempt, file, named)

    attempt_each(context, EntityKind.IMPORT, by_path, TABLES, read, doing="imports")


def _read(attempt: Attempt, file: SuppliedFile, named: Import) -> None:
    places, left = Places(attempt.context.rig, named), defaultdict[str, _Left](_Left)
    try:
        for count, read in enumerate(readers()[named.kind](Source(file.path))):
            if count >= RESULTS_MAX:
                raise ProtocolError(f"more than {RESULTS_MAX:,} results: the rest was not read")
            _take(attempt, file, read, places, left)
    except ProtocolError as error:
        attempt.short(Outcome.PROTOCOL_ERROR, f"{file.path.name}: {error}")
    for why, those in left.items():
        attempt.short(Outcome.PARTIAL, f"{file.path.name}: {those.said(why)}")


def _take(attempt: Attempt, file: SuppliedFile, read: Read, places: Places, left: defaultdict[str, _Left]) -> None:
    if isinstance(read, str):
        attempt.short(Outcome.PARTIAL, f"{file.path.name}: {read}")
        return
    place = places.of(read)
    if isinstance(place, NotTaken):
        left[place.why].add(place.about)
    elif isinstance(read, Seen):
        _service(attempt, file, read, place, listed=places.listed(read.address, read.transport, read.port))
    else:
        _finding(attempt, file, read, place)


def _service(attempt: Attempt, file: SuppliedFile, seen: Seen, place: Entity, *, listed: bool) -> None:
    attempt.row(
        "imported_service",
        port_subject(seen.transport.value, seen.port),
        entity=place,
        raw=file.at(0),
        tool=seen.tool,
        tool_version=seen.tool_version,
        address=str(seen.address),
        transport=seen.transport.value,
        port=seen.port,
        state=seen.state,
        name=seen.name,
        product=seen.product,
        version=seen.version,
        cpe=None if seen.cpe is None else list(seen.cpe),
        listed=listed,
        seen_at=seen.seen_at,
    )


def _finding(attempt: Attempt, file: SuppliedFile, said: Reported, place: Entity) -> None:
    where = said.place
    if said.transport is not None and said.port is not None:
        where = port_subject(said.transport.value, said.port)
    attempt.row(
        "imported_finding",
        "/".join(filter(None, (said.tool, said.rule, where)))[:SUBJECT_MAX],
        entity=place,
        raw=file.at(0),
        tool=said.tool,
        tool_version=said.tool_version,
        rule=said.rule,
        title=said.title,
        result=said.result.value,
        suppressed=said.suppressed,
        severity=said.severity,
        level=None if said.level is None else said.level.value,
        cvss_vector=said.cvss_vector,
        cvss_score=said.cvss_score,
        certainty_percent=said.certainty_percent,
        cves=None if said.cves is None else list(said.cves),
        address=None if said.address is None else str(said.address),
        transport=None if said.transport is None else said.transport.value,
        port=said.port,
        place=said.place,
        message=said.message,
        seen_at=said.seen_at,
    )


@dataclass
class _Left:
    """How many results were left for one reason, and the first of what they were about."""

    count: int = 0
    about: list[str] = field(default_factory=list)
    more: bool = False

    def add(self, about: str) -> None:
        self.count += 1
        if about and about not in self.about:
            if len(self.about) < SHOWN_MAX:
                self.about.append(about)
            else:
                self.more = True

    def said(self, why: str) -> str:
        shown = ", ".join(self.about) + (" and others" if self.more else "")
        return f"{self.count:,} results not taken, {why}" + (f" ({shown})" if shown else "")
