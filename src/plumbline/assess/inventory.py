"""The assets of a rig, as far as they are listed: what each is, of which entities, known by what, judged how.

Rules: counts are over all assets. Listed are those that anything but a hub knows, then some of the other hub identities, each up to
its number, in the order of their ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from plumbline.assess.assessment import ASSETS_LISTED, IDENTITIES_LISTED, AssetSummary, Finding, Identifier, Member
from plumbline.assess.tallies import by_asset
from plumbline.correlate.merging import Correlation
from plumbline.correlate.views import lone_identities_sql
from plumbline.evidence.engine import Connection, identifier
from plumbline.evidence.specs import load_tables
from plumbline.model.words import Criticality, EntityKind, Severity


@dataclass(frozen=True, slots=True)
class Counts:
    """How many assets there are, by what saw them; an asset seen by several kinds counts in each."""

    assets: int
    kinds: Mapping[str, int]


def counts(connection: Connection) -> Counts:
    """Count all assets."""
    [[known]] = connection.execute("select count(*) from known.asset").fetchall()
    rows = connection.execute("select kind, count(*) from (select unnest(kinds) as kind from known.asset) group by kind").fetchall()
    [[assets]] = connection.execute("select count(*) from main.asset").fetchall()
    kinds = {kind: int(count) for kind, count in rows}
    if assets > known:
        kinds["identity"] = kinds.get("identity", 0) + int(assets) - int(known)
    return Counts(int(assets), dict(sorted(kinds.items())))


def list_assets(connection: Connection, filled: Collection[str]) -> None:
    """Make the table `listed`: the assets to list, with what `main.asset` says of them."""
    connection.execute(f"create or replace temp table listed as from known.asset order by asset limit {ASSETS_LISTED}")
    bulk = [name for name in sorted(filled) if EntityKind.IDENTITY in load_tables()[name].row_kinds]
    first = " union ".join(f"(select entity from base.{identifier(name)} order by entity limit {IDENTITIES_LISTED})" for name in bulk)
    if first:
        connection.execute(f"insert into listed by name {lone_identities_sql(first)} order by asset limit {IDENTITIES_LISTED}")


def inventory(connection: Connection, correlation: Correlation, findings: Sequence[Finding]) -> tuple[AssetSummary, ...]:
    """Describe each asset in `listed`: the highest risk first, then by name and id."""
    layers = by_asset(connection)
    merged = {merge.entity: merge.asset for merge in correlation.merges}
    members: dict[str, set[Member]] = defaultdict(set)
    for merge in correlation.merges:
        members[merge.asset].add(Member(merge.entity, merge.reason, merge.by_kind, merge.by_value))
    identifiers: dict[str, set[Identifier]] = defaultdict(set)
    for fact in correlation.facts:
        asset = merged.get(fact.entity, fact.entity)
        identifiers[asset].add(Identifier(fact.identifier, fact.value))
        if asset == fact.entity:
            members[asset].add(Member(fact.entity, "", "", ""))
    worst = _worst(findings)
    found = []
    columns = ("asset", "name", "model", "class", "criticality", "safety", "kinds", "declared", "address")
    rows = connection.execute(f"select {', '.join(map(identifier, columns))} from listed").fetchall()
    for asset, name, model, device_class, criticality, safety, kinds, declared, address in rows:
        severity, highest = worst.get(asset, (Severity.NONE, 0))
        found.append(
            AssetSummary(
                id=asset,
                name=name,
                kinds=tuple(kinds),
                address=address,
                model=model,
                device_class=device_class,
                criticality=Criticality(criticality) if criticality in set(Criticality) else None,
                safety=bool(safety),
                declared=declared,
                members=tuple(sorted(members.get(asset, {Member(asset, "", "", "")}), key=lambda member: member.entity)),
                identifiers=tuple(sorted(identifiers.get(asset, ()), key=lambda item: (item.kind, item.value))),
                layers=layers.get(asset, {}),
                severity=severity,
                risk=highest,
            )
        )
    return tuple(sorted(found, key=lambda asset: (-asset.risk, -asset.severity.rank, asset.name, asset.id)))


def _worst(findings: Sequence[Finding]) -> dict[str, tuple[Severity, int]]:
    found: dict[str, tuple[Severity, int]] = {}
    for finding in findings:
        severity, highest = found.get(finding.asset, (Severity.NONE, 0))
        found[finding.asset] = (max(severity, finding.severity, key=lambda word: word.rank), max(highest, finding.risk))
    return found
