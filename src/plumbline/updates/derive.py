"""Derives the tables of currency: what each device claims to run, and what the catalogue makes of it (`evidence.derived`).

Rules: without a catalogue nothing is derived, so nothing was attempted; a device of which nothing can be told has a row that says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from plumbline.evidence.derived import DerivedWriter
from plumbline.evidence.engine import Connection
from plumbline.evidence.reference import Reference
from plumbline.evidence.specs import load_tables
from plumbline.updates import fleet
from plumbline.updates.claims import Claim, define_devices, gather
from plumbline.updates.currency import Currency, currency, identify
from plumbline.updates.currency import row as currency_row
from plumbline.updates.knowledge import Knowledge
from plumbline.updates.populations import Population
from plumbline.updates.populations import row as bound_row
from plumbline.updates.runtimes import runtimes
from plumbline.updates.steps import rows as step_rows
from plumbline.updates.steps import supplied
from plumbline.updates.support import scheme
from plumbline.versions import Scheme

TABLES = ("version_claim", "currency", "update_step", "population_bound", "edge_runtime", *fleet.TABLES)


def derive(connection: Connection, reference: Reference, as_of: datetime, write: DerivedWriter) -> None:
    """Derive TABLES, and cover every device."""
    if not any(source.rows.get(name) for source in reference.sources.values() for name in ("product", "release", "support")):
        return
    knowledge = Knowledge(connection, reference, as_of)
    define_devices(connection)
    entities = dict(connection.execute("select asset, entity from device order by all").fetchall())
    said: dict[str, list[Claim]] = {asset: [] for asset in entities}
    for claim in gather(connection):
        said[claim.asset].append(claim)
    products = (identify(claims, knowledge).product for claims in said.values())
    knowledge.load({product for product in products if product is not None})
    judged = [currency(asset, claims, knowledge) for asset, claims in said.items()]
    served = dict(
        connection.execute(
            "select asset, list_sort(list(distinct service || '/' || device_id)) from served_device group by asset"
        ).fetchall()
    )
    _write(connection, write, "currency", (currency_row(one, entities[one.asset], served.get(one.asset), knowledge) for one in judged))
    _write(connection, write, "version_claim", (_claimed(one, claim, entities, knowledge) for one in judged for claim in said[one.asset]))
    images = supplied(connection)
    _write(connection, write, "update_step", (row for one in judged for row in step_rows(one, entities[one.asset], knowledge, images)))
    _bound(connection, judged, knowledge, write)
    fleet.derive_fleets(connection, knowledge, write)
    _write(connection, write, "edge_runtime", runtimes(connection, knowledge))
    write.coverage(
        """
        select entity, 'edge_runtime' as "table", subject, outcome::varchar as outcome, null as rows, null as detail
        from known.coverage where "table" = 'edge_module'
        """
    )
    for table in ("version_claim", "currency", "update_step"):
        write.coverage(_covered(table, "device"))


def _bound(connection: Connection, judged: Sequence[Currency], knowledge: Knowledge, write: DerivedWriter) -> None:
    """Derive `population_bound`; of several bundles the population that was declared last counts."""
    rows = connection.execute(
        """
        select entity, model, size, random, row_id from population
        qualify row_number() over (partition by entity, lower(model) order by observed_at desc, row_id) = 1 order by all
        """
    ).fetchall()
    populations = [Population(*values) for values in rows]
    _write(connection, write, "population_bound", (bound_row(one, judged, knowledge) for one in populations))
    write.coverage(_covered("population_bound", "population"))


def _claimed(one: Currency, claim: Claim, entities: Mapping[str, str], knowledge: Knowledge) -> dict[str, Any]:
    """Give the columns of `version_claim`."""
    product = one.identified.product
    kind = Scheme.FIRMWARE if product is None else scheme(knowledge.known(product))
    return {
        "entity": entities[claim.asset],
        "subject": f"claim/{claim.source}" + (f"/{claim.subject}" if claim.subject else ""),
        "method": claim.method.value,
        "says": claim.says,
        "version": claim.version,
        "model": claim.model,
        "scheme": kind.value if claim.version else None,
        "claimed_at": claim.claimed_at,
        "trust": claim.method.trust,
        "counts": claim in one.belief.counted,
        "sources": list(claim.sources),
    }


def _covered(table: str, told: str) -> str:
    """Select coverage of a table that came to its end for every entity of a relation."""
    return f"""select distinct entity, '{table}' as "table", '' as subject, 'ok' as outcome, null as rows, null as detail from {told}"""


def _write(connection: Connection, write: DerivedWriter, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows that were made here; a column that a row leaves out is null."""
    made = list(rows)
    given = {name for one in made for name in one} or {"entity", "subject", "sources"}
    schema = load_tables()[table].schema()
    fields = [schema.field(name) for name in schema.names if name in given]
    connection.register("incoming", pa.Table.from_pylist(made, schema=pa.schema(fields)))
    write.table(table, "from incoming")
    connection.unregister("incoming")
