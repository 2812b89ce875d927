"""Proves a check's query sound before it ever sees evidence, and says what is wrong with it otherwise.

Two passes: the text as a tree (what it may say: `language`; that it drops none of its subjects' rows; that its needs are stated),
then the engine's own binding against empty tables (columns exist, types fit). Not the form of the file (`loader`).

Rules of the spine: the query starts from the table of `subjects`, directly or through subqueries; on that way there are left joins
only and nothing that drops or merges rows. Beside it, in joined subqueries, where and group by are free.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

import duckdb
import sqlglot
from sqlglot import exp

from plumbline.checks import language
from plumbline.checks.check import Check
from plumbline.checks.loader import NEVER, PLACEHOLDER
from plumbline.checks.problems import CheckErrors, CheckProblem
from plumbline.checks.shape import Shape
from plumbline.correlate.sources import use_nothing
from plumbline.correlate.views import ASSET_COLUMNS, SHARED_COLUMNS, define_views
from plumbline.evidence.engine import Connection, connect, identifier
from plumbline.evidence.specs import load_tables

VIEWS = frozenset({"asset", "shared_identifier"})
RESERVED: Mapping[str, str] = {
    "asset": "VARCHAR",
    "subject": "VARCHAR",
    "failed": "BOOLEAN",
    "applies": "BOOLEAN",
    "cvss": "VARCHAR",
    "evidence": "VARCHAR[]",
}
REQUIRED = frozenset({"asset", "subject", "failed", "evidence"})
TAKEN = frozenset({"verdict", "reason", "detail"})  # the runner's own words for what it decides
COLUMN = re.compile(r"[a-z][a-z0-9_]*")
DETAIL_TYPES = frozenset({"VARCHAR", "BIGINT", "INTEGER", "HUGEINT", "BOOLEAN", "TIMESTAMP WITH TIME ZONE", "DATE", "VARCHAR[]"})
_DROPS = (
    "where",
    "group",
    "having",
    "distinct",
    "limit",
    "offset",
    "qualify",
    "sample",
    "pivots",
    "laterals",
    "order",
    "match",
    "windows",
    "cluster",
    "sort",
)


class Linter:
    """Lints checks against one set of empty tables."""

    def __init__(self) -> None:
        self._connection = empty_rig()

    def shape(self, check: Check) -> Shape:
        """Give the shape of a sound query; raises CheckErrors with everything that is wrong with it."""
        tree, problems = _parsed(check.query)
        shape = None
        if tree is not None:
            tables = _tables(tree)
            problems += [
                *_words(tree),
                *_spine(tree, check.subjects),
                *_reads(tree, tables),
                *_judges(check),
                *_parameters(tree, check),
                *_needs(check, tree, tables),
            ]
            if not problems:
                shape, problems = self._bound(check, tree, tables)
        if shape is not None:
            problems += _message(check, shape)
        if problems or shape is None:
            raise CheckErrors([CheckProblem(check.path, "query", message) for message in dict.fromkeys(problems)])
        return shape

    def _bound(self, check: Check, tree: exp.Select, tables: frozenset[str]) -> tuple[Shape | None, list[str]]:
        values = {"as_of": NEVER, **{name: parameter.default for name, parameter in check.parameters.items()}}
        placeholders = _used(tree)
        try:
            rows = self._connection.execute(
                f"describe select * from ({check.query.strip().rstrip(';')})", {name: values[name] for name in placeholders}
            ).fetchall()
        except duckdb.Error as error:
            return None, [f"the engine refuses it: {str(error).splitlines()[0]}"]
        types = {name: type_word for name, type_word, *_ in rows}
        detail = {name: type_word for name, type_word in types.items() if name not in RESERVED}
        shape = Shape(tables, placeholders, "applies" in types, "cvss" in types, _own_evidence(tree), detail)
        return shape, list(_types(types, detail))


def empty_rig() -> Connection:
    """Open a connection with every table and view a check may read, all empty."""
    connection = connect(threads=1)
    use_nothing(connection)
    define_views(connection, [])
    for name, columns in (("asset", ASSET_COLUMNS), ("shared_identifier", SHARED_COLUMNS)):
        connection.execute(f"create table main.{name} ({', '.join(f'{identifier(c)} {t}' for c, t in columns.items())})")
    return connection


def _parsed(query: str) -> tuple[exp.Select | None, list[str]]:
    try:
        statements = [statement for statement in sqlglot.parse(query, dialect="duckdb") if statement is not None]
    except (sqlglot.ParseError, sqlglot.TokenError, RecursionError) as error:
        return None, [f"is not SQL: {str(error).splitlines()[0]}"]
    if len(statements) != 1 or not isinstance(statements[0], exp.Select):
        return None, ["must be one SELECT"]
    return statements[0], []


def _types(types: Mapping[str, str], detail: Mapping[str, str]) -> Iterator[str]:
    for name, wanted in RESERVED.items():
        if name not in types and name in REQUIRED:
            yield f"gives no column {name}"
        elif types.get(name, wanted) not in (wanted, '"NULL"'):
            yield f"column {name} is {types[name]}, must be {wanted}"
    for name, type_word in detail.items():
        if type_word not in DETAIL_TYPES:
            yield f"column {name} is {type_word}; a detail is a text, an integer, a boolean, a time or a list of texts"
        if name in TAKEN:
            yield f"column {name} would hide the runner's own; name it otherwise"
        if not COLUMN.fullmatch(name):
            yield f"column {name!r} needs a lower-case name; give it one with `as`"


def _words(tree: exp.Select) -> Iterator[str]:
    for node in tree.walk():
        kind = type(node)
        if kind in language.NODES or kind in language.FUNCTIONS:
            if complaint := _complaint(node):
                yield f"{node.sql('duckdb')}: {complaint}"
            continue
        name = node.name.lower() if isinstance(node, exp.Anonymous) else kind.__name__
        yield f"{node.sql('duckdb')}: {language.REFUSED.get(name, 'not among the words that both engines answer alike')}"


def _complaint(node: exp.Expr) -> str | None:
    """Say why an allowed word is not allowed here."""
    parent = node.parent
    if isinstance(node, exp.Star) and not isinstance(parent, exp.Count):
        return "name the columns; specs gain some"
    if isinstance(node, exp.With) and node.args.get("recursive"):
        return "Spark does not run recursive queries"
    if isinstance(node, (exp.Cast, exp.TryCast)) and node.to.sql("duckdb").upper() not in language.CAST_TARGETS:
        return language.REFUSED["Cast"]
    if isinstance(node, exp.ArrayContains) and not (isinstance(parent, exp.Coalesce) and parent.expressions == [exp.false()]):
        return "differs on nulls; write coalesce(list_contains(..), false)"
    if isinstance(node, exp.ArrayAgg) and not isinstance(_above_filter(node), exp.ArraySort):
        return "has no order; write list_sort(list(..))"
    if isinstance(node, exp.ArraySort) and node.expression is not None:
        return "only the plain order is the same on both engines"
    if isinstance(node, exp.ArrayConcat) and not all(
        isinstance(item, exp.Array | exp.Coalesce | exp.ArrayConcat) for item in (node.this, *node.expressions)
    ):
        return "differs on nulls; write list_concat([..], coalesce(.., []))"
    if isinstance(node, exp.Sum) and any(column.name in _floats() for column in node.find_all(exp.Column)):
        return "a sum of doubles depends on the order of rows"
    if isinstance(node, exp.RegexpReplace) and "g" not in node.text("modifiers"):
        return "without 'g' it replaces one or all, depending on the engine"
    if isinstance(node, exp.In) and isinstance(parent, exp.Not):
        if node.args.get("query") is not None:
            return "NOT IN a query differs on nulls; use not exists"
        if any(isinstance(item, exp.Null) for item in node.expressions):
            return "NOT IN with null differs"
    if isinstance(node, exp.Window) and node.args.get("order") is not None:
        return "rows have no order"
    if isinstance(node, exp.Window) and not isinstance(node.this, language.AGGREGATES):
        return "only count, min, max, sum and bool_or run over a window"
    if isinstance(node, exp.DateDiff):
        unit = node.args.get("unit")
        days = unit is not None and unit.name.lower() == "day"
        dates = all(isinstance(side, exp.Cast) and side.to.sql("duckdb").upper() == "DATE" for side in (node.this, node.expression))
        return None if days and dates else "only date_diff('day', x::date, y::date) counts alike"
    if isinstance(node, exp.Sub) and isinstance(node.this, exp.Cast) and isinstance(node.expression, exp.Cast):
        return "date minus date differs; use date_diff('day', ..)"
    if isinstance(node, exp.Table) and (node.args.get("db") or node.args.get("catalog") or not isinstance(node.this, exp.Identifier)):
        return "only a table by its own name"
    return None


@cache
def _floats() -> frozenset[str]:
    return frozenset(column.name for spec in load_tables().values() for column in spec.columns.values() if column.type == "float")


def _above_filter(node: exp.Expr) -> exp.Expr | None:
    parent = node.parent
    while isinstance(parent, (exp.Filter, exp.Paren)):
        parent = parent.parent
    return parent


def _spine(select: exp.Select, subjects: str) -> Iterator[str]:
    """Demand that a query keeps each row of its subjects, and gives their asset and subject unchanged."""
    for key in _DROPS:
        if select.args.get(key):
            yield f"{key.upper()} on the way to {subjects} may drop rows; use `applies`, or a subquery in a left join"
    source = select.args.get("from_")
    if source is None:
        yield f"must start from {subjects}"
        return
    inner = source.this
    if isinstance(inner, exp.Subquery) and isinstance(inner.this, exp.Select):
        if any(inner.args.get(key) for key in _DROPS):
            yield "a subquery on the way to its subjects may not be cut"
        yield from _spine(inner.this, subjects)
    elif not isinstance(inner, exp.Table) or inner.name != subjects:
        yield f"starts from {inner.sql('duckdb')[:40]}, must start from {subjects}"
    for join in select.args.get("joins") or []:
        if join.side != "LEFT" or join.kind not in ("", "OUTER") or join.args.get("method"):
            yield f"{join.sql('duckdb')[:60]}: only left joins keep each row of {subjects}"
    for name in ("asset", "subject"):
        given = [item.unalias() for item in select.expressions if item.alias_or_name == name]
        plain = [item for item in given if isinstance(item, exp.Column) and item.name == name and item.table in ("", inner.alias_or_name)]
        if not given or len(plain) != len(given):
            yield f"{name} must be given, and be the {name} of {subjects}"
    for aggregate in select.find_all(exp.AggFunc):
        if aggregate.find_ancestor(exp.Select) is select and not isinstance(aggregate.parent, exp.Window):
            yield f"{aggregate.sql('duckdb')}: an aggregate would merge rows of {subjects}; use a subquery in a left join"


def _named(tree: exp.Select) -> set[str]:
    return {part.alias for part in tree.find_all(exp.CTE)}


def _tables(tree: exp.Select) -> frozenset[str]:
    return frozenset({table.name for table in tree.find_all(exp.Table)} - _named(tree))


def _reads(tree: exp.Select, tables: frozenset[str]) -> Iterator[str]:
    known = load_tables().keys() | VIEWS
    for name in sorted(_named(tree) & known):
        yield f"its subquery {name} hides the table of that name"
    for name in sorted(tables - known):
        yield f"reads {name}, which is no table that checks may read"


def _judges(check: Check) -> Iterator[str]:
    """Refuse verdicts as subjects: what the other checks found is to be held against something, not judged again."""
    if load_tables()[check.subjects].derived == "assess":
        yield f"judges rows of {check.subjects}, which are verdicts; start from what they are held against, and join them"


def _used(tree: exp.Select) -> frozenset[str]:
    return frozenset(node.name for node in tree.find_all(exp.Placeholder))


def _parameters(tree: exp.Select, check: Check) -> Iterator[str]:
    for name in sorted(_used(tree) - check.parameters.keys() - {"as_of"}):
        yield f"${name} is no parameter of it"
    for name in sorted(check.parameters.keys() - _used(tree)):
        yield f"its parameter {name} is not used"


def _needs(check: Check, tree: exp.Select, tables: frozenset[str]) -> Iterator[str]:
    """Demand a need for each table on whose missing rows a verdict may rely, and none for others."""
    needed = {need.table for need in (*check.pass_needs, *check.fail_needs)}
    relied = {name for name in tables - VIEWS if name != check.subjects or _twice(tree, check.subjects)}
    for name in sorted(relied - needed):
        yield f"relies on missing rows of {name}; say so in pass_needs or fail_needs (asset.{name} or rig.{name})"
    if tables & VIEWS and not needed:
        yield f"relies on the tables behind {' and '.join(sorted(tables & VIEWS))}; name them in pass_needs or fail_needs"
    if not tables & VIEWS:
        for name in sorted(needed - relied):
            yield f"a need names {name}, on whose missing rows nothing relies"


def _twice(tree: exp.Select, subjects: str) -> bool:
    return sum(table.name == subjects for table in tree.find_all(exp.Table)) > 1 or tree.find(exp.Window) is not None


def _own_evidence(tree: exp.Select) -> bool:
    evidence = next((item.unalias() for item in tree.expressions if item.alias_or_name == "evidence"), None)
    if not isinstance(evidence, exp.Array) or len(evidence.expressions) != 1:
        return False
    column, source = evidence.expressions[0], tree.args["from_"].this
    own = isinstance(column, exp.Column) and column.name == "row_id" and column.table in ("", source.alias_or_name)
    return own and all(_plain_row_id(select) for select in _inner_spine(source))


def _inner_spine(source: exp.Expr) -> Iterator[exp.Select]:
    while isinstance(source, exp.Subquery):
        yield source.this
        source = source.this.args["from_"].this


def _plain_row_id(select: exp.Select) -> bool:
    return any(isinstance(item, exp.Column) and item.name == "row_id" for item in select.expressions)


def _message(check: Check, shape: Shape) -> Iterator[str]:
    for name in PLACEHOLDER.findall(check.message):
        if name not in {"asset", "subject", *shape.detail}:
            yield f"the message names {{{name}}}, which the query does not give"
    if set("{}") & set(PLACEHOLDER.sub("", check.message)):
        yield "the message has a brace that is no {column}"
