"""Fleets that only a hub knows: the states of its devices by their own word in the twin, and how far each fix has come.

    fleet_currency      a row for each device that nothing else in the rig knows and whose model the catalogue knows
    fleet_patch         a row for each stable release that mends something, of each such model, over all its devices that are not disabled

Rules: there may be millions of devices, so each model and version is judged once and joined back; of more than COMBINATIONS_MAX the
most frequent are judged, and the others are told as unknown. What a hub's export does not hold, and devices of models that the catalogue
does not know, make the coverage partial. Counts over an export that is not complete are null.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from plumbline.catalogue.ordering import STABLE, Basis, Edition, Line, order
from plumbline.evidence.derived import DerivedWriter
from plumbline.evidence.engine import Connection
from plumbline.evidence.specs import load_tables
from plumbline.updates.claims import TEXT_MAX
from plumbline.updates.judging import Judgement, Reason, State
from plumbline.updates.knowledge import Knowledge

TABLES = ("fleet_currency", "fleet_patch")
MODELS_MAX = 10_000
COMBINATIONS_MAX = 2_000
_JUDGED = ("model", "installed", "state", "reason", "latest", "days_behind", "vulnerable", "retracted", "unsupported")


@dataclass(frozen=True, slots=True)
class Combination:
    """Devices of one hub with one model and version; `version` None: none reported."""

    hub: str
    model: str
    version: str | None
    devices: int


def derive_fleets(connection: Connection, knowledge: Knowledge, write: DerivedWriter) -> None:
    """Derive TABLES; `device` must have been defined."""
    models = _models(connection, knowledge)
    knowledge.load(models.values())
    connection.register("fleet_model", pa.table({"model": pa.array(list(models), pa.string())}))
    connection.execute(
        """
        create or replace temp table fleet as
        select t.entity, t.model, t.firmware_version as installed, t.hub, t.status is distinct from 'disabled' as enabled, t.row_id,
          t.asset in (select asset from device) as known
        from hub_twin t join fleet_model m on m.model = t.model
        where t.subject = ''
        qualify row_number() over (partition by t.entity order by t.observed_at desc, t.row_id desc) = 1
        """
    )
    lone = _combinations(connection, "not known")
    judged = {(one.model, one.version): _judge(knowledge, models[one.model], one.version) for one in lone}
    rows = [dict(zip(_JUDGED, _judged(model, version, found, knowledge), strict=True)) for (model, version), found in judged.items()]
    types = load_tables()["fleet_currency"].schema()
    connection.register("fleet_judged", pa.Table.from_pylist(rows, schema=pa.schema([types.field(name) for name in _JUDGED])))
    columns = ", ".join(f"j.{name}" for name in _JUDGED if name not in ("model", "installed", "state", "reason"))
    write.table(
        "fleet_currency",
        f"""
        select f.entity, '' as subject, [f.row_id] as sources, f.model, f.installed, coalesce(j.state, '{State.UNKNOWN}') as state,
          case when j.state is null then '{Reason.NOT_JUDGED}' else j.reason end as reason, {columns}
        from fleet f left join fleet_judged j on j.model = f.model and j.installed is not distinct from f.installed
        where not f.known
        """,
    )
    _write_patches(connection, knowledge, models, write)
    for table in TABLES:
        write.coverage(_coverage_sql(table))


def _models(connection: Connection, knowledge: Knowledge) -> dict[str, str]:
    """Find the products that the twins' models mean, of the most frequent models."""
    rows = connection.execute(
        """
        select model from hub_twin where subject = '' and model is not null and length(model) <= $length
        group by model order by count(*) desc, model limit $limit
        """,
        {"length": TEXT_MAX, "limit": MODELS_MAX},
    ).fetchall()
    found = ((model, knowledge.resolve(model).product) for (model,) in rows)
    return {model: product for model, product in found if product is not None}


def _combinations(connection: Connection, condition: str) -> list[Combination]:
    rows = connection.execute(
        f"""
        select hub, model, installed, count(*) from fleet where {condition} and coalesce(length(installed), 0) <= {TEXT_MAX}
        group by all order by 4 desc, 1, 2, 3 limit {COMBINATIONS_MAX}
        """
    ).fetchall()
    return [Combination(*row) for row in rows]


def _judge(knowledge: Knowledge, product: str, version: str | None) -> Judgement:
    return knowledge.judge(product, (version,) if version is not None else ())


def _judged(model: str, version: str | None, found: Judgement, knowledge: Knowledge) -> tuple[Any, ...]:
    days = found.days_behind(knowledge.context.as_of)
    return (
        *(model, version, found.state.value, found.reason.value if found.reason else None, found.latest_version, days),
        *(found.vulnerable, found.retracted, found.unsupported),
    )


def _write_patches(connection: Connection, knowledge: Knowledge, models: Mapping[str, str], write: DerivedWriter) -> None:
    groups: dict[tuple[str, str], list[Combination]] = defaultdict(list)
    for one in _combinations(connection, "enabled"):
        groups[one.hub, one.model].append(one)
    totals = {
        (hub, model): total
        for hub, model, total in connection.execute("select hub, model, count(*) from fleet where enabled group by all").fetchall()
    }
    exploited = {name for (name,) in connection.execute("select distinct id from reference.exploited").fetchall()}
    rows = [
        row
        for (hub, model), some in groups.items()
        for row in _patches(hub, model, some, totals[hub, model], knowledge, models[model], exploited)
    ]
    spec = load_tables()["fleet_patch"].schema()
    names = [name for name in spec.names if name not in ("entity", "subject", "raw", "permit", "observed_at", "sources")]
    schema = pa.schema([pa.field("hub", pa.string()), *(spec.field(name) for name in names)])
    connection.register("fleet_patched", pa.Table.from_pylist(rows, schema=schema))
    counts = ("devices", "running", "lacking", "unknown")
    columns = ", ".join(f"case when k.outcome = 'ok' then p.{name} end as {name}" if name in counts else f"p.{name}" for name in names)
    write.table(
        "fleet_patch",
        f"""
        select k.entity, 'model/' || p.model || '/release/' || p.version as subject, [k.row_id] as sources, {columns}
        from fleet_patched p join ({_HUBS}) k on k.hub = p.hub
        """,
    )


def _patches(
    hub: str, model: str, some: Sequence[Combination], total: int, knowledge: Knowledge, product: str, exploited: set[str]
) -> Iterator[dict[str, Any]]:
    """Count, for each release that mends something, who runs it; what was not gone through counts as unknown."""
    known = knowledge.known(product)
    for edition in known.line.editions:
        if (
            not edition.fixes
            or edition.state.withdrawn
            or edition.channel != STABLE
            or (edition.released_at or knowledge.context.as_of) > knowledge.context.as_of
        ):
            continue
        counts = {True: 0, False: 0}
        for one in some:
            runs = None if one.version is None else _runs(known.line, edition, one.version)
            if runs is not None:
                counts[runs] += one.devices
        yield {
            "hub": hub,
            "model": model,
            "product": product,
            "version": edition.version,
            "released_at": edition.released_at,
            "mends": list(edition.fixes[:50]),
            "exploited": not exploited.isdisjoint(edition.fixes),
            "devices": total,
            "running": counts[True],
            "lacking": counts[False],
            "unknown": total - counts[True] - counts[False],
            "catalogue_as_of": known.newest_word(known.releases, knowledge.context.sources),
        }


def _runs(line: Line, edition: Edition, version: str) -> bool | None:
    """Tell whether a version is a release or a newer one."""
    own = line.of_version(version)
    if edition in own:
        return True
    installed = own[0] if own else replace(edition, version=version)
    found = order(edition, installed, line.basis if own else Basis.VERSION)
    return None if found is None else found <= 0


# Hubs whose twins were looked for, by the name that twins have of them.
_HUBS = """
  select entity, split_part(entity, '/', 2) as hub, max(outcome) as outcome, min(row_id) as row_id
  from known.coverage where "table" = 'hub_twin' group by entity
"""


def _coverage_sql(table: str) -> str:
    """Select the coverage of hubs: that of their twins, and at best `partial` where some are of models that the catalogue does not know."""
    return f"""
        select k.entity, '{table}' as "table", '' as subject,
          case when u.devices is null then k.outcome else greatest(k.outcome, 'partial'::outcome) end::varchar as outcome, null as rows,
          u.devices || ' devices are of no model that the catalogue knows' as detail
        from ({_HUBS}) k
        left join (
          select hub, count(distinct entity) as devices from hub_twin
          where subject = '' and coalesce(model not in (select model from fleet_model), true) and asset not in (select asset from device)
          group by hub
        ) u on u.hub = k.hub
    """
