"""A rig with logins, its door, and what came of using them; assets are addresses of loopback that this process alone uses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbline.collect.host.given import given_logins
from plumbline.collect.host.logins import use_logins
from plumbline.evidence.bundle import Bundle
from plumbline.model.words import Outcome
from tests.collect.collecting import Collected
from tests.collect.network.benches import KEY, open_bench

Row = dict[str, Any]
SECRET = "harbour wall 7"


@dataclass(frozen=True)
class LoggedIn:
    """What a run of the logins left."""

    collected: Collected
    ended_early: str | None
    contacts: list[Row]

    def rows(self, table: str, key: str | None = None) -> list[Row]:
        """The rows of a table, of one system where its key is given, without what every row has."""
        common = ("entity", "raw", "permit", "observed_at")
        rows = [row for row in self.collected.rows(table) if key is None or row["entity"].endswith(f"/{key}")]
        return [{name: value for name, value in row.items() if name not in common} for row in rows]

    def outcomes(self, key: str) -> dict[str, Outcome]:
        """The outcome of each table of one system."""
        found = {row["table"]: Outcome(row["outcome"]) for row in self.collected.attempts() if row["entity"].endswith(f"/{key}")}
        assert found, f"nothing was said of {key}"
        return found

    def detail(self, key: str, table: str = "system") -> str:
        """What the coverage of a table of one system says."""
        [row] = [row for row in self.collected.attempts() if row["table"] == table and row["entity"].endswith(f"/{key}")]
        return row["detail"] or ""

    def asked(self, event: str = "request") -> list[str]:
        """What the contact log says of each exchange."""
        return [line["detail"] for line in self.contacts if line["event"] == event]


def login_text(kind: str, port: int, *, secret: str = "file:secret", assets: str = "gw-*", user: str = "auditor", more: str = "") -> str:
    """One [[login]]."""
    return f'[[login]]\nkind = "{kind}"\nassets = ["{assets}"]\nuser = "{user}"\nsecret = "{secret}"\nport = {port}\n{more}\n'


async def log_in(
    folder: Path,
    login: str,
    *,
    tcp: Sequence[int] = (),
    udp: Sequence[int] = (),
    addresses: Sequence[str] = ("127.0.0.1",),
    ot: bool = False,
    secret: str | bytes = SECRET,
    intrusion: str = "session",
    probe: int | None = None,
) -> LoggedIn:
    """Use the logins of a rig with one asset for each address; `probe`: the SSH port to be probed first."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "secret"
    file.write_bytes(secret if isinstance(secret, bytes) else secret.encode())
    file.chmod(0o600)
    kind = 'class = "ot"\n' if ot else ""
    assets = "".join(f'[[asset]]\nid = "gw-{number}"\naddress = "{address}"\n{kind}' for number, address in enumerate(addresses))
    ranges = [f"{address}/32" for address in addresses]
    async with open_bench(folder, tcp=tcp, udp=udp, ranges=ranges, intrusion=intrusion, rest=assets + login) as bench:
        if probe is not None:
            await bench.visit("ssh", probe)
        ended = await use_logins(bench.context, bench.door, given_logins(bench.rig, KEY))
        bench.writer.finish(ended_at=bench.clock.now(), complete=ended is None)
    lines = [json.loads(line) for line in (bench.writer.path / "contacts.jsonl").read_text().splitlines()]
    return LoggedIn(Collected(Bundle(bench.writer.path)), ended, [line for line in lines if line.get("event") not in (None, "session")])
