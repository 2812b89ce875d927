"""Identifiers, as SQL: which entity carries which value, from the columns that specs mark with `identifies`.

    identifier        carried by                                value
    declared_id       declared, system, sbom                    as written
    hub_device_id     declared, edge, identity                  as written (hub device ids are case-sensitive)
    mqtt_client_id    station                                   as written; a claim on the wire, so it is not a hub_device_id itself
    serial            declared, identity, system                as written
    mac               declared, host, identity, station, system lower case
    certificate_sha1  host (leaf), identity                     upper case
    public_key        host (leaf, SSH host key), system         lower case
    snmp_engine       host                                      lower case
    ip                declared, host, station                   site/address: an address means nothing outside its site

Not the merging itself (`merging`). Rules: a certificate above the leaf identifies its issuer, not the host; values that devices
use for "none" identify nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from plumbline.evidence.engine import identifier, literal
from plumbline.evidence.specs import ColumnSpec, TableSpec, load_tables
from plumbline.model.words import EntityKind

COLUMNS = "identifier, value, entity, kind, source"
# What firmware writes where nobody set a serial number or MAC address.
EMPTY_SERIALS = (
    "",
    "0",
    "00000000",
    "0000000000",
    "1234567890",
    "12345678",
    "123456789",
    "default",
    "n/a",
    "na",
    "none",
    "null",
    "unknown",
)
EMPTY_MACS = ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff")
_LOWER = {"mac", "public_key", "snmp_engine"}


def _marked(filled: Collection[str]) -> Iterator[tuple[TableSpec, ColumnSpec]]:
    for spec in (load_tables()[name] for name in sorted(filled)):
        for column in spec.columns.values():
            if column.identifies is not None:
                yield spec, column


def _select(spec: TableSpec, column: ColumnSpec) -> str:
    word = column.identifies
    assert word is not None  # _marked yields no other
    value = identifier(column.name)
    where = [f"{value} is not null"]
    if word in _LOWER:
        value = f"lower({value})"
    if word == "certificate_sha1":
        value = f"upper({value})"
    if word == "hub_device_id" and spec.row_kinds == (EntityKind.STATION,):
        word = "mqtt_client_id"
    if word == "serial":
        where.append(f"lower({value}) not in ({', '.join(map(literal, EMPTY_SERIALS))})")
    if word == "mac":
        where.append(f"{value} not in ({', '.join(map(literal, EMPTY_MACS))})")
    if word == "ip":
        value = f"split_part(split_part(entity, ':', 2), '/', 1) || '/' || {value}"
    if "position" in spec.columns:
        where.append('"position" = 0')
    return (
        f"select {literal(word)} as identifier, {value} as value, entity, split_part(entity, ':', 1) as kind,"
        f" {literal(spec.name)} as source"
        f" from base.{identifier(spec.name)} where {' and '.join(where)}"
    )


def small_sql(filled: Collection[str]) -> str:
    """Select the identifiers of every kind but hub identities, of which there may be millions."""
    parts = [_select(spec, column) for spec, column in _marked(filled) if EntityKind.IDENTITY not in spec.row_kinds]
    # A host's key is its address; a silent one that the customer declared has no row that says so.
    parts.append(
        "select 'ip' as identifier,"
        " split_part(split_part(entity, ':', 2), '/', 1) || '/' || substr(entity, strpos(entity, '/') + 1) as value,"
        " entity, 'host' as kind, 'coverage' as source from base.coverage where entity like 'host:%'"
    )
    return " union all ".join(parts)


def bulk_sql(filled: Collection[str]) -> str:
    """Select the identifiers of hub identities."""
    parts = [_select(spec, column) for spec, column in _marked(filled) if EntityKind.IDENTITY in spec.row_kinds]
    return (
        " union all ".join(parts)
        or "select null::varchar as identifier, null::varchar as value, null::varchar as entity, null as kind, null as source where false"
    )


def shared_sql(filled: Collection[str]) -> str:
    """Select each identifier that two entities of one kind carry, with each of them and how many they are."""
    return f"""
      select identifier, value, entity, entities from (
        select identifier, value, kind, list(distinct entity) as carriers, count(distinct entity) as entities
        from ({small_sql(filled)} union all {bulk_sql(filled)}) group by identifier, value, kind
      ) as carried, unnest(carriers) as one(entity) where entities > 1
    """
