"""Writes the OUT of two audits as far as a comparison reads them: made up, so that each combination can be had."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

TELNET, BROKER, UNMET = "device.shell_without_login", "gateway.broker_accepts_anonymous", "rig.provision_declared_unmet"
CVSS = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
TITLES = {TELNET: "Shell without login", BROKER: "Broker lets anyone in", UNMET: "Declared unmet"}
SUBJECTS = {TELNET: "telnet_service", BROKER: "mqtt_broker", UNMET: "declaration"}
EARLIER, LATER = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)


@dataclass
class Audit:
    """One audit in the making: rows of the ledger and what its assets are known by."""

    as_of: datetime = EARLIER
    collected: datetime | None = None  # None: when it was judged
    rig: str = "t"
    checks: Sequence[str] = (TELNET, BROKER)
    rows: list[dict[str, Any]] = field(default_factory=list)
    known: list[tuple[str, str, str]] = field(default_factory=list)
    assets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unjudged: Sequence[str] = ()
    looked: list[dict[str, Any]] = field(default_factory=list)
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def asset(self, asset: str, *kinds: str, **identifiers: str) -> Audit:
        """Add an asset with what it is known by."""
        self.assets[asset] = kinds or ("host",)
        if kinds == ("network",):
            self.saw(asset, "address", "10.0.0.0/8")
        self.known += [(asset, word, value) for word, value in identifiers.items()]
        return self

    def verdict(
        self,
        asset: str,
        verdict: str,
        reason: str | None = None,
        *,
        subject: str = "tcp/23",
        check: str = TELNET,
        cvss: str | None = None,
    ) -> Audit:
        """Add a row of the ledger."""
        self.rows.append({"check": check, "asset": asset, "subject": subject, "verdict": verdict, "reason": reason, "cvss": cvss})
        return self

    def saw(self, asset: str, table: str, *subjects: str) -> Audit:
        """Say that a table was wholly filled from an asset, or with subjects, which ports were closed or spoke."""
        self.looked.append({"asset": asset, "table": table, "subjects": list(subjects) or None})
        return self

    def write(self, out: Path) -> Path:
        """Write it."""
        out.mkdir(parents=True, exist_ok=True)
        rows = sorted(self.rows, key=lambda row: (row["check"], row["asset"], row["subject"]))
        pq.write_table(_table(rows, ("check", "asset", "subject", "verdict", "reason", "cvss")), out / "ledger.parquet")
        known = [dict(zip(("asset", "identifier", "value"), one, strict=True)) for one in sorted(set(self.known))]
        pq.write_table(_table(known, ("asset", "identifier", "value")), out / "identity.parquet")
        looked = pa.schema([("asset", pa.string()), ("table", pa.string()), ("subjects", pa.list_(pa.string()))])
        pq.write_table(pa.Table.from_pylist(self.looked, schema=looked), out / "looked.parquet")
        said = {
            "format": 1,
            "rig": {"id": self.rig, "name": "Test"},
            "as_of": self.as_of.isoformat().replace("+00:00", "Z"),
            "sessions": [{"started_at": (self.collected or self.as_of).isoformat(), "ended_at": None}],
            "ledger_digest": "00" * 32,
            "counts": {"inconclusive": sum(row["verdict"] == "inconclusive" for row in self.rows)},
            "severities": {"critical": sum(row["verdict"] == "fail" for row in self.rows)},
            "checks": [
                {"id": check, "title": TITLES[check], "cvss": CVSS, "subjects": SUBJECTS[check], "parameters": self.parameters}
                for check in self.checks
            ],
            "assets": [{"id": asset, "name": f"the {asset}", "kinds": list(kinds)} for asset, kinds in self.assets.items()],
            "unjudged_sources": [{"entity": entity, "outcome": "unreachable", "detail": None} for entity in self.unjudged],
        }
        (out / "assessment.json").write_text(json.dumps(said), encoding="utf-8")
        return out


def _table(rows: Iterable[Mapping[str, Any]], names: Sequence[str]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=pa.schema([(name, pa.string()) for name in names]))
