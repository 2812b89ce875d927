"""Derives vulnerability_match, component_exposure and component_support from components and reference data (`evidence.derived`).

Not the judgement of a match (`matching`, `checks`). Rules: components that are alike are matched once (`judging`), however many carriers
hold them, and the results joined back; without a source that says who is affected nothing is derived, so nothing was attempted; where
components are not all known, or the feeds are stale at the date of the assessment, coverage is `partial` and says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import pyarrow as pa

from plumbline.evidence.derived import DerivedWriter
from plumbline.evidence.engine import Connection, identifier, literal
from plumbline.evidence.reference import Reference
from plumbline.evidence.specs import TIMESTAMP
from plumbline.vulnerabilities.exposure import Exposure, Known
from plumbline.vulnerabilities.freshness import doubt, doubt_of_exploited, is_stale, years_held
from plumbline.vulnerabilities.identity import Component
from plumbline.vulnerabilities.judging import judge
from plumbline.vulnerabilities.namespaces import DISTRIBUTIONS, ROLLING, is_distribution
from plumbline.vulnerabilities.support import Branch, Supports, load_supports

TABLES = ("vulnerability_match", "component_exposure", "component_support")
CARRIERS = ("image", "system", "sbom")
SLICE_ROWS = 500_000  # of a derived table, sorted at once: some hundred bytes each
_COLUMNS = tuple(field.name for field in fields(Component))
_DISTINCT = ", ".join(map(identifier, _COLUMNS))
_SAME = " and ".join(f"c.{name} is not distinct from d.{name}" for name in map(identifier, _COLUMNS))
_TEXT = pa.string()
_BRANCH = {"product": _TEXT, "cycle": _TEXT, "ends_at": TIMESTAMP, "ended": pa.bool_(), "latest": _TEXT, "source": _TEXT}
# What the whole is the sum of, and what it is the worst of.
_SUMS = ("open", "open_high", "unscored", "exploited", "likely", "low_confidence", "undecided", "unsure_exploited", "settled")
_WORST = (
    "min(struct_pack(low := -coalesce(worst_score, 0), worst := worst, score := worst_score, cvss := worst_cvss))"
    " filter (worst is not null)"
)


def derive(connection: Connection, reference: Reference, as_of: datetime, write: DerivedWriter) -> None:
    """Derive TABLES, and cover what they are about."""
    affected = [source for source in reference.sources.values() if source.rows.get("affected")]
    supported = any(source.rows.get("support") for source in reference.sources.values())
    if not affected and not supported:
        return
    components = _distinct(connection)
    _define_carriers(connection)
    if affected:
        _expose(connection, reference, components, write, as_of)
    if supported:
        stale = [source.id for source in reference.sources.values() if is_stale(source, as_of)]
        _support(connection, load_supports(connection, stale), components, write)


def _distinct(connection: Connection) -> list[Component]:
    """Number the components that are alike, in the order of their names; gives them by number."""
    connection.execute(
        f"""
        create or replace temp table distinct_component as
        select (row_number() over (order by {_DISTINCT}) - 1)::integer as number, * from (select distinct {_DISTINCT} from main.component)
        """
    )
    rows = connection.execute(f"select {_DISTINCT} from distinct_component order by number").fetchall()
    return [_component(dict(zip(_COLUMNS, row, strict=True))) for row in rows]


def _component(row: dict[str, Any]) -> Component:
    fixes = row.pop("fixes")
    return Component(**row, fixes=None if fixes is None else tuple(fixes))


def _define_carriers(connection: Connection) -> None:
    """Define `carrier`: everything that holds components or should, and how well those could be listed and told from others of their names.

    A package whose distribution's release is not known is held against no tracker: what carries one is `unplaced`.
    """
    kinds = ", ".join(map(literal, CARRIERS))
    released = ", ".join(map(literal, sorted(DISTRIBUTIONS - ROLLING)))
    connection.execute(
        f"""
        create or replace temp table carrier as
        select (row_number() over (order by e.entity))::integer as holder, e.entity,
          coalesce(k.outcome, 'partial'::outcome) as listed, u.entity is not null as unplaced,
          case when unplaced then greatest(listed, 'partial'::outcome) else listed end as outcome, coalesce(k.sources, []) as sources
        from (
          select entity from known.coverage where "table" = 'component' and split_part(entity, ':', 1) in ({kinds})
          union select entity from main.component
        ) e
        left join (
          select entity, max(outcome) as outcome, list_sort(list(row_id)) as sources
          from known.coverage where "table" = 'component' group by entity
        ) k on k.entity = e.entity
        left join (
          select distinct entity from main.component
          where namespace in ({released}) or (namespace is null and manager in ('dpkg', 'apk', 'rpm'))
        ) u on u.entity = e.entity
        """
    )


def _expose(connection: Connection, reference: Reference, components: Sequence[Component], write: DerivedWriter, as_of: datetime) -> None:
    sources = reference.sources.values()
    told = Known(*(any(source.kind == kind for source in sources) for kind in ("kev", "epss")))
    doubts = [doubt(sources, years_held(reference), as_of), doubt_of_exploited(sources, as_of)]
    judged = judge(connection, reference, components, told)
    matches = judged.matches.append_column("place", pa.array(range(len(judged.matches)), pa.int64()))
    for name, rows in (("judged_component", judged.components), ("judged_match", matches), ("judged_exposure", judged.exposures)):
        connection.register(name, rows)
    _carry(connection, "judged_exposure")
    _sum_up(connection)
    matched = ", ".join(f"f.{identifier(name)}" for name in judged.matches.column_names if name != "number")
    write.table(
        "vulnerability_match",
        f"""
        select k.entity, 'component/' || f.component as subject, c.sources, {matched}, c.holder, c.number, f.place
        from carried c join judged_match f on f.number = c.number join carrier k on k.holder = c.holder
        where c.holder between $first and $last
        """,
        order=("holder", "number", "place"),
        slices=_slices(connection, "matches"),
    )
    exposed = ", ".join(f"f.{identifier(field.name)}" for field in fields(Exposure))
    complete, list_complete = ("k.outcome = 'ok'" if one is None else "false" for one in doubts)
    known = f"{complete} as complete, {list_complete} as list_complete"
    write.table(
        "component_exposure",
        f"""
        select k.entity, 'component/' || d.name as subject, c.sources, d.name as component, d.version, {known}, {exposed},
          c.holder, c.number
        from carried c join judged_exposure f on f.number = c.number join distinct_component d on d.number = c.number
        join carrier k on k.holder = c.holder where c.holder between $first and $last
        union all by name {_whole_exposure(known, told)}
        """,
        order=("holder", "number"),
        slices=_slices(connection, "exposed"),
    )
    for table in ("vulnerability_match", "component_exposure"):
        write.coverage(_coverage_sql(table, "; ".join(filter(None, doubts)) or None))


def _carry(connection: Connection, numbers: str) -> None:
    """Define `carried`: who holds the components that a relation numbers, each once, with the rows that say so."""
    connection.execute(
        f"""
        create or replace temp table carried_row as
        select k.holder, d.number, c.row_id from main.component c join carrier k on k.entity = c.entity
        join (select * from distinct_component semi join {numbers} using (number)) d on {_SAME} order by k.holder
        """
    )
    # Few are named twice, and gathering lists is dear.
    connection.execute(
        """
        create or replace temp table carried_twice as
        select holder, number, list_sort(list(row_id)) as sources
        from carried_row semi join (select holder, number from carried_row group by all having count(*) > 1) t using (holder, number)
        group by holder, number
        """
    )
    connection.execute(
        """
        create or replace temp view carried as
        select holder, number, [row_id] as sources from carried_row anti join carried_twice using (holder, number)
        union all by name select holder, number, sources from carried_twice
        """
    )


def _sum_up(connection: Connection) -> None:
    """Define `summed`: for each carrier how many components it holds and what their exposures come to."""
    connection.execute(
        f"""
        create or replace temp table summed as
        select k.holder, h.components, h.known, h.unknown, h.without_version, {", ".join(f"s.{name}" for name in _SUMS)}, s.unsure_score,
          s.worst, coalesce(s.exposed, 0) as exposed, coalesce(s.matches, 0) as matches
        from carrier k
        left join (
          select c.entity, count(*) as components, count(*) filter (j.known) as known, count(*) filter (not j.known) as unknown,
            count(*) filter (not j.versioned) as without_version
          from main.component c join distinct_component d on {_SAME} join judged_component j on j.number = d.number group by c.entity
        ) h on h.entity = k.entity
        left join (
          select c.holder, {", ".join(f"sum({name}) as {name}" for name in _SUMS)}, max(unsure_score) as unsure_score, {_WORST} as worst,
            count(*) as exposed, sum(m.matches) as matches
          from carried c join judged_exposure f on f.number = c.number
          join (select number, count(*) as matches from judged_match group by number) m on m.number = c.number group by c.holder
        ) s on s.holder = k.holder
        """
    )


def _slices(connection: Connection, column: str) -> list[tuple[int, int]]:
    """Cut the carriers into runs of about SLICE_ROWS rows, which a column of `summed` counts; gives the first and last holder of each."""
    return [
        (first, last)
        for _, first, last in connection.execute(
            f"""
            select (before // {SLICE_ROWS})::bigint as slice, min(holder), max(holder)
            from (select holder, sum({column} + 1) over (order by holder) as before from summed) group by slice order by slice
            """
        ).fetchall()
    ] or [(0, 0)]


def _whole_exposure(known: str, told: Known) -> str:
    """Select the rows about wholes, where their components were listed at least in part."""
    untold = {*(() if told.exploited else ("exploited", "unsure_exploited")), *(() if told.predictions else ("likely",))}
    empty = {name: "null" if name in untold else "0" for name in _SUMS}
    counts = ", ".join(f"coalesce(s.{name}, 0) as {name}" for name in ("components", "known", "unknown", "without_version"))
    sums = ", ".join(f"coalesce(s.{name}, {empty[name]}) as {name}" for name in _SUMS)
    return f"""
        select k.entity, '' as subject, k.sources, {known}, {counts}, {sums},
          s.unsure_score, s.worst.worst as worst, s.worst.score as worst_score, s.worst.cvss as worst_cvss, k.holder, -1 as number
        from carrier k join summed s on s.holder = k.holder
        where (k.outcome <= 'partial'::outcome or s.components > 0) and k.holder between $first and $last
    """


def _coverage_sql(table: str, more: str | None = None, *, placed: bool = False) -> str:
    """Select the coverage of a table: of each carrier that of its components, and at best `partial` where there is `more` to say.

    `placed`: it does not matter whether the releases of distributions are known.
    """
    outcome = "k.listed" if placed else "k.outcome" if more is None else "greatest(k.outcome, 'partial'::outcome)"
    why = "case when k.listed <> 'ok' then 'component: ' || k.listed end"
    if not placed:
        why += ", case when k.unplaced then 'packages of a distribution whose release is not known' end"
    return f"""
        select k.entity, {literal(table)} as "table", '' as subject, {outcome}::varchar as outcome, null as rows,
          nullif(concat_ws('; ', {why}, {"null" if more is None else literal(more)}), '') as detail
        from carrier k
    """


def _support(connection: Connection, supports: Supports, components: Sequence[Component], write: DerivedWriter) -> None:
    own = {number: branch for number, one in enumerate(components) if (branch := supports.of(one)) is not None}
    namespaces = sorted({one.namespace for one in components if one.namespace is not None and is_distribution(one.namespace)})
    of_distribution = {name: branch for name in namespaces if (branch := supports.of_distribution(name)) is not None}
    connection.register("supported", _branches("number", pa.int64(), own))
    connection.register("supported_namespace", _branches("namespace", pa.string(), of_distribution))
    _carry(connection, "supported")
    columns, complete = "f.product, f.cycle, f.ends_at, f.ended, f.latest, f.source", "k.listed = 'ok' as complete"
    write.table(
        "component_support",
        f"""
        select k.entity, 'component/' || d.name as subject, c.sources, d.name as component, d.version, {complete}, {columns}
        from carried c join supported f on f.number = c.number join distinct_component d on d.number = c.number
        join carrier k on k.holder = c.holder
        union all by name
        select c.entity, 'component/' || split_part(c.namespace, ':', 1) as subject, [c.row_id] as sources,
          split_part(c.namespace, ':', 1) as component, split_part(c.namespace, ':', 2) as version, {complete}, {columns}
        from (select entity, namespace, min(row_id) as row_id from main.component where namespace is not null group by all) c
        join supported_namespace f on f.namespace = c.namespace join carrier k on k.entity = c.entity
        union all by name
        select k.entity, '' as subject, k.sources, {complete}, coalesce(h.components, 0) as components, coalesce(h.known, 0) as known
        from carrier k
        left join (
          select c.entity, count(*) as components, count(*) filter (o.number is not null or n.namespace is not null) as known
          from main.component c join distinct_component d on {_SAME} left join supported o on o.number = d.number
          left join supported_namespace n on n.namespace = c.namespace group by c.entity
        ) h on h.entity = k.entity
        where k.listed <= 'partial'::outcome or h.components > 0
        """,
    )
    write.coverage(_coverage_sql("component_support", placed=True))


def _branches(key: str, kind: pa.DataType, found: Mapping[int, Branch] | Mapping[str, Branch]) -> pa.Table:
    columns = [pa.array([getattr(branch, name) for branch in found.values()], of_kind) for name, of_kind in _BRANCH.items()]
    return pa.Table.from_arrays([pa.array(list(found), kind), *columns], names=[key, *_BRANCH])
