"""Which entities are one asset, and what that asset is called.

Identifiers are taken in the order of their strength; at each level all links of that level count at once, so nothing depends on
the order of rows or parts:

    level   identifier          links
    0       declared_id         declared with what the customer says is about it: systems, bills of materials
    1       hub_device_id       declared, edge, identity
    2       serial              any kinds
    3       mac                 any kinds
    4       certificate_sha1    host, identity
    5       public_key          any kinds
    6       ip                  declared, host, station, within one site
    7       mqtt_client_id      station with the identity or declared asset of that hub_device_id

Rules: an identifier on two entities of one kind is shared and merges nothing, but for a dual-stack device, which may carry one MAC on
one IPv4 and several IPv6 addresses of one site, and for a declared id, which the customer may give to several sources. Links that would
make one asset of two declared assets, two hub identities, two gateways, two images or two hubs are a conflict: none of that level's
links between them counts, and it is said. An asset's id is the strongest of declared id, hub id, serial, MAC, unshared key, address;
the first two and the last are the entity's own name, the others are `serial:/..`, `mac:/..`, `key:/..`. So an id holds while its
identifier holds, whatever else is found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from plumbline.correlate.identifiers import COLUMNS, bulk_sql, small_sql
from plumbline.evidence.engine import Connection

LEVELS = ("declared_id", "hub_device_id", "serial", "mac", "certificate_sha1", "public_key", "ip", "mqtt_client_id")
SINGLE = frozenset({"declared", "identity", "edge", "image", "hub"})  # no asset is two of one of these
_NAMING = ("serial", "mac", "public_key")
_ID_KINDS = {"serial": "serial", "mac": "mac", "public_key": "key"}
_KIND_ORDER = ("declared", "identity", "host", "station")
IDENTIFIERS = {
    "declared_id": "declared id",
    "hub_device_id": "hub device id",
    "serial": "serial number",
    "mac": "MAC address",
    "certificate_sha1": "certificate",
    "public_key": "public key",
    "ip": "address",
    "mqtt_client_id": "MQTT client id",
}


@dataclass(frozen=True, slots=True, order=True)
class Carried:
    """One entity carries one identifier; `source` is the table that says so."""

    identifier: str
    value: str
    entity: str
    kind: str
    source: str


@dataclass(frozen=True, slots=True, order=True)
class Merge:
    """An entity belongs to an asset, because of an identifier `by_kind` with the value `by_value`."""

    entity: str
    asset: str
    reason: str
    by_kind: str
    by_value: str


@dataclass(frozen=True, slots=True, order=True)
class Conflict:
    """An identifier that would have made one asset of several that are known to be different."""

    identifier: str
    value: str
    entities: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Correlation:
    """Merges and conflicts, and the facts that they follow from; each sorted."""

    merges: tuple[Merge, ...]
    conflicts: tuple[Conflict, ...]
    facts: tuple[Carried, ...]


def correlate(connection: Connection, filled: Collection[str]) -> Correlation:
    """Merge the entities of the base tables that are `filled`, that is not empty."""
    return merge(carried(connection, filled))


def carried(connection: Connection, filled: Collection[str]) -> list[Carried]:
    """Fetch what can merge or name an asset; of hub identities only those that share a value with an entity of another kind."""
    connection.execute(f"create or replace temp table small as select distinct {COLUMNS} from ({small_sql(filled)})")
    connection.execute(
        """
        create or replace temp table wanted as
        select distinct identifier, value from small
        union select 'hub_device_id', value from small where identifier = 'mqtt_client_id'
        """
    )
    rows = connection.execute(
        f"""
        select {COLUMNS} from small where identifier <> 'snmp_engine'
        union all
        select distinct {COLUMNS} from ({bulk_sql(filled)}) b
        where exists (select 1 from wanted w where w.identifier = b.identifier and w.value = b.value)
        """
    ).fetchall()
    connection.execute("drop table small; drop table wanted")
    return [Carried(*row) for row in rows]


def merge(facts: Iterable[Carried]) -> Correlation:
    """Merge entities by what they carry; the order of the facts has no influence."""
    facts = sorted(set(facts))
    groups = _groups(facts)
    trees = _Trees({fact.entity: fact.kind for fact in facts})
    conflicts: list[Conflict] = []
    for level in LEVELS:
        links = [(value, sorted(entities)) for (word, value), entities in sorted(groups.items()) if word == level and len(entities) > 1]
        conflicts += trees.link(level, links)
    shared = {key for key, entities in _carriers(facts).items() if key not in groups and len(entities) > 1}
    return Correlation(tuple(sorted(trees.merges(facts, shared))), tuple(sorted(conflicts)), tuple(facts))


def _carriers(facts: Iterable[Carried]) -> dict[tuple[str, str], dict[str, str]]:
    found: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for fact in facts:
        found[fact.identifier, fact.value][fact.entity] = fact.kind
    return found


def _groups(facts: Sequence[Carried]) -> dict[tuple[str, str], dict[str, str]]:
    """Unshared identifiers and the entities that carry them."""
    carriers = _carriers(facts)
    for (word, value), entities in list(carriers.items()):
        if word == "mqtt_client_id":
            for entity, kind in carriers.get(("hub_device_id", value), {}).items():
                if kind in ("declared", "identity"):
                    entities.setdefault(entity, kind)
    return {key: entities for key, entities in carriers.items() if not _shared(key[0], entities)}


def _shared(word: str, entities: dict[str, str]) -> bool:
    by_kind: dict[str, list[str]] = defaultdict(list)
    for entity, kind in entities.items():
        by_kind[kind].append(entity)
    if word == "declared_id":
        return len(by_kind["declared"]) > 1
    return any(len(some) > 1 and not (word == "mac" and _dual_stack(some)) for some in by_kind.values())


def _dual_stack(entities: Sequence[str]) -> bool:
    # host:site/10.0.0.5 and host:site/fe80::5; an IPv6 address is told by its colons.
    sites = {entity.partition("/")[0] for entity in entities}
    version_4 = [entity for entity in entities if ":" not in entity.partition("/")[2]]
    return len(sites) == 1 and sites.pop().partition(":")[0] in ("host", "station") and len(version_4) <= 1


class _Trees:
    """Union-find over entities; each remembers the strongest link that took it in."""

    def __init__(self, kinds: dict[str, str]) -> None:
        self._kinds = kinds
        self._parent = {entity: entity for entity in kinds}
        self._by: dict[str, tuple[str, str]] = {}

    def root(self, entity: str) -> str:
        while self._parent[entity] != entity:
            self._parent[entity] = self._parent[self._parent[entity]]
            entity = self._parent[entity]
        return entity

    def link(self, level: str, links: Sequence[tuple[str, list[str]]]) -> list[Conflict]:
        """Apply all links of a level that make no asset of two; give the others as conflicts."""
        tried = _Trees({self.root(entity): "" for _, entities in links for entity in entities})
        for _, entities in links:
            for entity in entities[1:]:
                tried._join(self.root(entities[0]), self.root(entity))
        bad = self._contested(tried)
        conflicts = []
        for value, entities in links:
            clash = bad.get(tried.root(self.root(entities[0])))
            if clash is not None:
                conflicts.append(Conflict(level, value, tuple(entities), f"{IDENTIFIERS[level]} {value} would make one asset of {clash}"))
                continue
            for entity in entities:
                self._by.setdefault(entity, (level, value))
                self._join(entities[0], entity)
        return conflicts

    def _contested(self, tried: _Trees) -> dict[str, str]:
        single: dict[tuple[str, str], list[str]] = defaultdict(list)
        for entity in sorted(self._kinds):
            root = self.root(entity)
            if self._kinds[entity] in SINGLE and root in tried._parent:
                single[tried.root(root), self._kinds[entity]].append(entity)
        return {root: " and ".join(entities[:3]) for (root, _), entities in sorted(single.items()) if len(entities) > 1}

    def _join(self, one: str, other: str) -> None:
        low, high = sorted((self.root(one), self.root(other)))
        self._parent[high] = low

    def merges(self, facts: Sequence[Carried], shared: set[tuple[str, str]]) -> list[Merge]:
        """Name each asset and give the entities that are not named like it."""
        members: dict[str, list[str]] = defaultdict(list)
        for entity in self._kinds:
            members[self.root(entity)].append(entity)
        names: dict[str, list[tuple[int, int, str, str]]] = defaultdict(list)
        for fact in facts:
            if fact.identifier in _NAMING and (fact.identifier, fact.value) not in shared:
                # An SSH host key outlives certificates, so it names first.
                rank = (_NAMING.index(fact.identifier), int(fact.source == "certificate"), fact.value, fact.identifier)
                names[self.root(fact.entity)].append(rank)
        found = []
        for root, entities in members.items():
            asset, by = _asset_id([(self._kinds[entity], entity) for entity in entities], names.get(root, []))
            others = {entity: self._by.get(entity) or by for entity in entities if entity != asset}
            found += [_reasoned(entity, asset, *(link or by or ("", ""))) for entity, link in others.items()]
        return found


def _asset_id(entities: Sequence[tuple[str, str]], names: Sequence[tuple[int, int, str, str]]) -> tuple[str, tuple[str, str] | None]:
    ranked = sorted((_KIND_ORDER.index(kind) if kind in _KIND_ORDER else len(_KIND_ORDER), entity) for kind, entity in entities)
    rank, best = ranked[0]
    if rank > _KIND_ORDER.index("identity") and names:
        _, _, value, word = min(names)
        return f"{_ID_KINDS[word]}:/{value}", (word, value)
    return best, None


def _reasoned(entity: str, asset: str, word: str, value: str) -> Merge:
    return Merge(entity, asset, f"{IDENTIFIERS[word]} {value}", word, value)
