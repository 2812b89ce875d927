"""What has to be looked at again to judge the findings of an earlier audit anew. It reads that audit alone, and contacts nobody.

Rules: of the network only the addresses of assets with findings, and of probes those that fill the tables which the findings' checks read,
or that tell one device from another, as a pass counts only on the same device. A check that relies on the whole rig (`rig.T` in its needs,
or a derived table of fleets) needs all of it. What is left out stays unjudged, and is never called fixed. An audit that could not judge
findings of the one before it, as its changes.json says, holds nothing by which these could be looked at: it is refused, not cut short.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from plumbline.assess.assessment import read_json
from plumbline.assess.changes import FILE as CHANGES
from plumbline.assess.changes import Became, read_changes, side_of
from plumbline.assess.digest import ledger_files, readable
from plumbline.assess.identity import read_identity
from plumbline.checks.check import Check, Scope
from plumbline.checks.registry import Registry
from plumbline.evidence.engine import connect, file_list
from plumbline.evidence.specs import load_tables
from plumbline.model.entities import Entity
from plumbline.model.errors import InputError
from plumbline.model.words import Basis, EntityKind
from plumbline.rig.focus import Place, focused
from plumbline.rig.models import Rig

HOST = EntityKind.HOST.value
NETWORK_TABLES = ("host", "service")


@dataclass(frozen=True, slots=True)
class Retest:
    """What to look at again: `tables` None is all of them, `everywhere` the whole rig. `unknown` are checks that this release has not."""

    findings: int
    assets: int
    places: frozenset[Place]
    declared: frozenset[str]
    tables: frozenset[str] | None
    everywhere: bool
    unknown: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether everything is looked at again, as in an audit."""
        return self.everywhere and self.tables is None

    def narrowed(self, rig: Rig) -> Rig:
        """Narrow a rig to what this asks for."""
        return rig if self.everywhere else focused(rig, self.places, self.declared)


def retest_of(old: Path, rig: Rig, registry: Registry, now: datetime) -> Retest:
    """Say what the findings in `old` need.

    Raises InputError when it is no assessment that one of `now` can be compared with, is of another rig, or could not judge findings of the
    audit before it.
    """
    said = read_json(old)
    if (as_of := side_of(said, old).as_of) > now:
        remedy = "assess its bundles again, as of the end of their collection"
        raise InputError(f"was judged as of {as_of:%Y-%m-%d %H:%M} UTC, which is still to come", where=str(old), remedy=remedy)
    if said["rig"].get("id") != rig.id:
        raise InputError(
            f"is an audit of the rig {said['rig'].get('id')!r}, not of {rig.id!r}", where=str(old), remedy="name its own rig file"
        )
    _refuse_waiting(old, said["ledger_digest"])
    with connect() as connection, readable(old / "ledger.parquet"):
        failed = f"from read_parquet([{file_list(ledger_files(old / 'ledger.parquet'))}]) where verdict = 'fail'"
        [[findings]] = connection.execute(f"select count(*) {failed}").fetchall()
        names = [name for (name,) in connection.execute(f'select distinct "check" {failed} order by 1').fetchall()]
        assets = [asset for (asset,) in connection.execute(f"select distinct asset {failed} order by 1").fetchall()]
    known = read_identity(old)
    current = {name: registry.checks.get(registry.aliases.get(name, name)) for name in names}
    checks = [check for check in current.values() if check is not None]
    tables = frozenset[str]().union(*(_tables(check, registry) for check in checks))
    derived = any(load_tables()[table].derived is not None for table in tables if table in load_tables())
    return Retest(
        findings=int(findings),
        assets=len(assets),
        places=frozenset(place for asset in assets for place in _places(asset, known.get(asset, {}).get("ip", frozenset()))),
        declared=frozenset(value for asset in assets for value in known.get(asset, {}).get("declared_id", ())),
        tables=None if derived else tables | _identifying(),
        everywhere=any(_relies_on_all(check) for check in checks),
        unknown=tuple(name for name, check in current.items() if check is None),
    )


def _refuse_waiting(old: Path, ledger_digest: str) -> None:
    changes = read_changes(old)
    if changes is None or changes.new.ledger_digest != ledger_digest:
        return
    if waiting := changes.counts.get(Became.UNREACHABLE, 0) + changes.counts.get(Became.NOT_JUDGED, 0):
        message = f"findings of the audit of {changes.old.as_of:%Y-%m-%d} that it could not judge, and that would be left out: {waiting:,}"
        remedy = f"name that audit, and all of its findings are looked at; to leave them out all the same, remove {old / CHANGES}"
        raise InputError(message, where=str(old), remedy=remedy)


def _tables(check: Check, registry: Registry) -> frozenset[str]:
    return registry.shapes[check.id].tables | {need.table for need in (*check.pass_needs, *check.fail_needs)}


def _relies_on_all(check: Check) -> bool:
    spec = load_tables()[check.subjects]
    of_rig = EntityKind.RIG in spec.kinds and spec.basis not in (Basis.MANUAL, Basis.DECLARED)  # sheets are read, and ask nobody
    return of_rig or any(need.scope is Scope.RIG for need in (*check.pass_needs, *check.fail_needs))


def _places(asset: str, addresses: frozenset[str]) -> list[Place]:
    found = [Place(*value.partition("/")[::2]) for value in sorted(addresses)]
    entity = Entity.parse(asset)
    return [*found, Place(entity.site, entity.key)] if entity.kind == HOST else found


def _identifying() -> frozenset[str]:
    """The tables by which one host is told from another, and those without which none is seen at all."""
    of_hosts = (spec for spec in load_tables().values() if EntityKind.HOST in (*spec.kinds, *spec.row_kinds))
    return frozenset([*(spec.name for spec in of_hosts if any(column.identifies for column in spec.columns.values())), *NETWORK_TABLES])
