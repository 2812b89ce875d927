"""The SQL that a check may use, as data: what DuckDB and, through SQLGlot, Spark are known to answer alike.

A node or function that is not named here is refused; the reason for one that is often wanted stands in REFUSED. Not the walk over
a query (`linter`). Source: reference of 159 snippets run on both engines (docs/adr on engines).
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

# Syntax without a meaning of its own that could differ.
NODES: frozenset[type[exp.Expr]] = frozenset(
    {
        exp.Select, exp.From, exp.Join, exp.Table, exp.TableAlias, exp.Subquery, exp.Where, exp.Group, exp.Having, exp.Union, exp.With,
        exp.CTE, exp.Column, exp.Identifier, exp.Alias, exp.Literal, exp.Boolean, exp.Null, exp.Star, exp.Paren, exp.Tuple,
        exp.Placeholder, exp.Var,
        exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Is,
        exp.In, exp.Between, exp.Like, exp.Escape, exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.Neg, exp.DPipe,
        exp.Interval, exp.DataType, exp.Distinct, exp.Filter,
        exp.Case, exp.If, exp.Cast, exp.TryCast, exp.Exists, exp.Window, exp.Lambda, exp.Array,
    }
)  # fmt: skip
FUNCTIONS: frozenset[type[exp.Expr]] = frozenset(
    {
        exp.Coalesce, exp.Nullif, exp.Greatest, exp.Least, exp.Abs,
        exp.Lower, exp.Upper, exp.Trim, exp.Length, exp.Concat, exp.ConcatWs, exp.Replace, exp.Substring, exp.StartsWith, exp.EndsWith,
        exp.Contains, exp.SplitPart, exp.RegexpLike, exp.RegexpReplace,
        exp.ArraySize, exp.ArrayContains, exp.ArrayFilter, exp.Transform, exp.ArraySort, exp.ArrayConcat, exp.ArrayAgg,
        exp.Count, exp.Min, exp.Max, exp.Sum, exp.LogicalOr, exp.LogicalAnd,
        exp.DateDiff, exp.ToDays,
    }
)  # fmt: skip
AGGREGATES: tuple[type[exp.Expr], ...] = (exp.Count, exp.Min, exp.Max, exp.Sum, exp.LogicalOr, exp.LogicalAnd, exp.ArrayAgg)
CAST_TARGETS = frozenset({"DATE", "VARCHAR", "TEXT", "INT", "BIGINT", "BOOLEAN"})

REFUSED: Mapping[str, str] = {
    "Avg": "averages of doubles depend on the order of rows",
    "First": "first() depends on the order of rows; use min",
    "AnyValue": "any_value() depends on the order of rows; use min",
    "Last": "last() depends on the order of rows; use max",
    "GroupConcat": "an unordered text; use list_sort(list(x))",
    "Rand": "it is random",
    "CurrentDate": "a check has no clock; use $as_of",
    "CurrentTimestamp": "a check has no clock; use $as_of",
    "now": "a check has no clock; use $as_of",
    "ArrayDistinct": "list_distinct treats nulls differently in Spark; use count(distinct) or list_sort",
    "Bracket": "an index out of range is an error in Spark",
    "Order": "rows have no order; use list_sort(list(x))",
    "Limit": "which rows it keeps depends on their order",
    "Offset": "which rows it keeps depends on their order",
    "Div": "division gives doubles; multiply the other side instead",
    "IntDiv": "it differs for negative numbers; multiply the other side instead",
    "TableSample": "it is random",
    "Pivot": "Spark does not run it",
    "Lateral": "Spark does not run it alike",
    "Unnest": "Spark does not run it alike; use list_filter or list_transform",
    "Explode": "Spark does not run it alike; use list_filter or list_transform",
    "DayOfWeek": "Spark counts days of the week otherwise",
    "Extract": "fractions and days of the week differ in Spark",
    "PercentileCont": "Spark approximates it",
    "Quantile": "Spark approximates it",
    "Round": "Spark rounds halves otherwise",
    "Cast": "only casts to DATE, VARCHAR, INT, BIGINT and BOOLEAN",
}
