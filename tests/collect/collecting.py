"""Run a collector of files over a rig that lists some, and read back what it wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from plumbline.collect.context import Context
from plumbline.evidence.bundle import Bundle, BundleWriter
from plumbline.model.words import Intrusion
from plumbline.rig.models import Authorisation, Edge, Firmware, Hub, Rig

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
KEY = bytes(range(32))
REAL_DATA = Path(__file__).parents[2].parent / "shared" / "data"


@dataclass(frozen=True)
class Collected:
    """A finished bundle, read back."""

    bundle: Bundle

    def rows(self, table: str) -> list[dict[str, Any]]:
        return [row for part in self.bundle.parts(table) for row in pq.read_table(part).to_pylist()]

    def attempts(self) -> list[dict[str, Any]]:
        return [row for part in self.bundle.coverage_parts() for row in pq.read_table(part).to_pylist()]

    def outcomes(self, entity: str | None = None) -> dict[str, str]:
        """The last outcome written for each table."""
        return {row["table"]: row["outcome"] for row in self.attempts() if entity in (None, row["entity"])}

    def details(self) -> dict[str, str]:
        return {row["table"]: row["detail"] for row in self.attempts() if row["detail"]}

    def everything(self) -> str:
        """All that was written, as text: to look for what must not be there."""
        tables = {path.parent.name for path in self.bundle.path.glob("tables/*/*.parquet")}
        manifest = (self.bundle.path / "manifest.json").read_text()
        return repr([self.rows(table) for table in sorted(tables)]) + repr(self.attempts()) + manifest


def rig_of(folder: Path, *, edges: tuple[Edge, ...] = (), firmware: tuple[Firmware, ...] = (), hubs: tuple[Hub, ...] = ()) -> Rig:
    """A passive rig whose file would stand in `folder`."""
    authorisation = Authorisation(
        reference="T-1",
        granted_by="test",
        emergency_contact="none",
        valid_from=NOW - timedelta(days=1),
        valid_until=NOW + timedelta(days=1),
        windows=(),
        networks=(ip_network("127.0.0.0/8"),),
        public=False,
        exclude=(),
        never_touch=(),
        never_touch_macs=frozenset(),
        intrusion=Intrusion.PASSIVE,
        exchanges_per_second=100,
        source=None,
        anchors=(),
        resolvers=(),
        hosts=frozenset(),
        discovery=(),
    )
    return Rig(
        id="t",
        name="t",
        owner="t",
        authorisation=authorisation,
        networks=(),
        captures=(),
        firmware=firmware,
        edges=edges,
        hubs=hubs,
        assets=(),
        parameters={},
        standards=(),
        path=folder / "rig.toml",
        sha256="0" * 64,
        signature=None,
    )


def run(collect: Callable[[Context], None], rig: Rig, *, stop: Callable[[], bool] = lambda: False) -> Collected:
    """Collect into a new bundle beside the rig file."""
    path = rig.path.parent / "bundle"
    number = 0
    while path.exists():
        number += 1
        path = rig.path.parent / f"bundle{number}"
    writer = BundleWriter.create(path, rig_text="", header={}, now=NOW)
    collect(Context(rig=rig, writer=writer, key=KEY, now=lambda: NOW, progress=lambda *_: None, stop=stop))
    writer.finish(ended_at=NOW, complete=True)
    return Collected(Bundle(path))
