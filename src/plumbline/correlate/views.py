"""What checks see: each table as a view with `asset`, the `asset` view, and what is known of coverage.

    known.merge      entity, asset, reason, by_kind, by_value        only entities whose asset is not themselves
    known.coverage   entity, asset, "table", subject, outcome, rows, row_id     the best attempt of each
    known.entity     entity, kind, asset            entities of the kinds whose coverage decides (not stations, not hub identities)
    main.<table>     row_id, asset, the columns of the spec
    known.asset      like main.asset, without the hub identities that nothing else in the rig knows
    main.asset       asset, name, model, class, criticality, safety, kinds, declared, address
    main.shared_identifier   identifier, value, entity, asset, entities

Rules: nothing here holds a row for each of a hub's millions of identities, except `shared_identifier`, which is made only for a check
that reads it (`add_asset_view`, `add_shared_identifiers`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import pyarrow as pa

from plumbline.correlate.identifiers import shared_sql
from plumbline.correlate.merging import Merge
from plumbline.evidence.engine import Connection, identifier, literal
from plumbline.evidence.specs import load_tables
from plumbline.model.words import EntityKind

ASSET_COLUMNS = {
    "asset": "VARCHAR",
    "name": "VARCHAR",
    "model": "VARCHAR",
    "class": "VARCHAR",
    "criticality": "VARCHAR",
    "safety": "BOOLEAN",
    "kinds": "VARCHAR[]",
    "declared": "BOOLEAN",
    "address": "VARCHAR",
}
SHARED_COLUMNS = {"identifier": "VARCHAR", "value": "VARCHAR", "entity": "VARCHAR", "asset": "VARCHAR", "entities": "BIGINT"}
_NO_ENTITY = "select null::varchar as entity where false"
_MERGE_SCHEMA = pa.schema([(name, pa.string()) for name in ("entity", "asset", "reason", "by_kind", "by_value")])


def row_id_sql(table: str) -> str:
    """Make a row's id from its place."""
    return f"'{table}/' || part || '#' || n"


def define_views(connection: Connection, merged_kinds: Collection[str], tables: Iterable[str] | None = None) -> None:
    """Define the views of tables (None: all); the join to assets is left out where no entity of the table's kinds was merged."""
    for name in load_tables() if tables is None else tables:
        spec = load_tables()[name]
        table = identifier(name)
        columns = ", ".join(f"t.{identifier(column)}" for column in spec.types())
        joined = set(merged_kinds) & {kind.value for kind in (*spec.row_kinds, *spec.kinds)}
        asset = "coalesce(m.asset, t.entity)" if joined else "t.entity"
        join = "left join known.merge m on m.entity = t.entity" if joined else ""
        connection.execute(
            f"create or replace view main.{table} as select {row_id_sql(name)} as row_id, {asset} as asset, {columns}"
            f" from base.{table} t {join}"
        )


def know(connection: Connection, merges: Sequence[Merge], filled: Collection[str]) -> None:
    """Make the known relations from merges, the base coverage and the tables that are `filled`, that is not empty."""
    data = pa.Table.from_pylist([{name: getattr(merge, name) for name in _MERGE_SCHEMA.names} for merge in merges], schema=_MERGE_SCHEMA)
    connection.register("incoming", data)
    connection.execute("create or replace table known.merge as from incoming")
    connection.unregister("incoming")
    connection.execute(
        f"""
        create or replace table known.coverage as
        select c.entity, coalesce(m.asset, c.entity) as asset, c."table", c.subject, c.best.outcome as outcome, c.rows,
          c.best.row_id as row_id
        from (
          select entity, "table", subject, max(rows) as rows,
            min(struct_pack(outcome := outcome::outcome, row_id := {row_id_sql("coverage")})) as best
          from base.coverage group by all
        ) c left join known.merge m on m.entity = c.entity
        """
    )
    judged = {kind for spec in load_tables().values() for kind in spec.kinds}
    kinds = ", ".join(literal(kind.value) for kind in sorted(judged, key=lambda kind: kind.value))
    named = "".join(
        f" union select entity from base.{identifier(name)}" for name in sorted(filled) if judged & set(load_tables()[name].row_kinds)
    )
    connection.execute(
        f"""
        create or replace table known.entity as
        select e.entity, split_part(e.entity, ':', 1) as kind, coalesce(m.asset, e.entity) as asset
        from (select entity from base.coverage union select entity from known.merge {named}) e
        left join known.merge m on m.entity = e.entity
        where split_part(e.entity, ':', 1) in ({kinds})
        """
    )


def add_asset_view(connection: Connection, filled: Collection[str]) -> None:
    """Make `known.asset`, the assets that anything but a hub knows, and `main.asset`, which adds the other hub identities on reading.

    There may be millions of those, so no table holds them, and a check that joins `main.asset` pays for a join.
    """
    bulk = [name for name in sorted(filled) if EntityKind.IDENTITY in load_tables()[name].row_kinds]
    named = "".join(f" union select entity from base.{identifier(name)}" for name in sorted(filled) if name not in bulk)
    connection.execute(
        f"""
        create or replace table known.asset as
        with entity as (
          select coalesce(m.asset, e.entity) as asset, split_part(e.entity, ':', 1) as kind,
            substr(e.entity, strpos(e.entity, '/') + 1) as key
          from (
            select entity from known.entity union select entity from known.merge
            union select asset from known.merge where asset like 'identity:%' {named}
          ) e left join known.merge m on m.entity = e.entity
        ), whole as (
          select asset, list_sort(list(distinct kind)) as kinds, min(key) as key,
            coalesce(min(key) filter (kind = 'host'), min(key) filter (kind = 'station')) as address
          from entity group by asset
        ), said as (
          select asset, min(coalesce(name, id)) as name, min(model) as model, min(class) as class, min(criticality) as criticality,
            bool_or(safety) as safety, min(address) as address
          from main.declared_asset group by asset
        ), heard as (
          select asset, min(hostname) as name from main.station where hostname is not null group by asset
        )
        select w.asset, coalesce(s.name, heard.name, w.address, w.key) as name, s.model, s.class, s.criticality, s.safety, w.kinds,
          s.asset is not null as declared, coalesce(s.address, w.address) as address
        from whole w left join said s on s.asset = w.asset left join heard on heard.asset = w.asset
        """
    )
    others = " union ".join(f"select entity from base.{identifier(name)}" for name in bulk) or _NO_ENTITY
    connection.execute(f"create or replace view main.asset as from known.asset union all by name {lone_identities_sql(others)}")


def lone_identities_sql(entities: str) -> str:
    """Select, of hub identities given by a query, those that nothing else in the rig knows, as rows of `main.asset`."""
    return f"""
      select entity as asset, substr(entity, strpos(entity, '/') + 1) as name, ['identity'] as kinds, false as declared
      from ({entities}) e
      where not exists (select 1 from known.merge m where m.entity = e.entity)
        and not exists (select 1 from known.asset a where a.asset = e.entity)
    """


def add_shared_identifiers(connection: Connection, filled: Collection[str]) -> None:
    """Make `main.shared_identifier`: a row for each entity that carries an identifier which another entity of its kind carries too."""
    connection.execute(
        f"""
        create or replace table main.shared_identifier as
        select s.identifier, s.value, s.entity, coalesce(m.asset, s.entity) as asset, s.entities
        from ({shared_sql(filled)}) s left join known.merge m on m.entity = s.entity
        """
    )


def add_needed(connection: Connection, tables: Collection[str], filled: Collection[str]) -> None:
    """Make those of the two dear views that are named in `tables`."""
    if "asset" in tables:
        add_asset_view(connection, filled)
    if "shared_identifier" in tables:
        add_shared_identifiers(connection, filled)


def merges_of(pairs: Iterable[tuple[str, str]]) -> list[Merge]:
    """Turn (entity, asset) pairs that are simply stated, as in an example, into merges."""
    return [Merge(entity, asset, "stated", "", "") for entity, asset in pairs]
