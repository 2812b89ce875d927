"""The embedded engine: one DuckDB connection, set so that its answers depend on evidence alone.

Rules: time zone UTC, no extension is ever loaded or fetched, spills go to the given folder. Threads and memory change the
speed, never an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from plumbline.evidence.damage import REMEDY, Readable, damage
from plumbline.evidence.specs import SQL_TYPES
from plumbline.model.errors import InputError
from plumbline.model.words import Basis, Outcome

Connection = Any  # duckdb.DuckDBPyConnection; the package ships no types that hold under --strict

# RFC 8785 (3.2.2.2): \b \t \n \f \r short, other controls as lower-case \u00xx, everything else as it is. DuckDB's own to_json
# writes upper-case hex digits, so what it wrote serves unless there is a \u in it.
JSON_MACROS = r"""
create macro json_text(s) as case when not contains(to_json(s)::varchar, '\u') then to_json(s)::varchar else
  '"' || array_to_string(list_transform(string_split(s, ''), lambda c:
    case when c = '"' then '\"' when c = '\' then '\\' when c >= ' ' then c
      when c = chr(8) then '\b' when c = chr(9) then '\t' when c = chr(10) then '\n' when c = chr(12) then '\f' when c = chr(13) then '\r'
      else format('\u{:04x}', ascii(c)) end), '') || '"' end;
create macro json_texts(items) as case when not contains(to_json(items)::varchar, '\u') then to_json(items)::varchar else
  '[' || array_to_string(list_transform(items, lambda item: coalesce(json_text(item), 'null')), ',') || ']' end
"""


def connect(*, threads: int | None = None, memory_limit: str = "600MB", scratch: Path | None = None) -> Connection:
    """Open a connection; `memory_limit` as `600MB`, `scratch` is where it may spill (None: nowhere). Raises InputError for a bad limit."""
    settings: dict[str, Any] = {
        "memory_limit": memory_limit,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": True,
    }
    if threads is not None:
        settings["threads"] = threads
    if scratch is not None:
        settings["temp_directory"] = str(scratch)
    try:
        connection = duckdb.connect(":memory:", config=settings)
    except duckdb.Error as error:
        raise InputError(f"the engine refuses its settings: {error}", remedy="give threads as a number and memory as 600MB") from error
    connection.execute("set global TimeZone = 'UTC'")
    connection.execute("create schema base; create schema known; create schema reference")
    # An enum orders by its list, so the least outcome is the best, and the greatest basis the weakest.
    connection.execute(f"create type outcome as enum ({', '.join(literal(word) for word in Outcome)})")
    connection.execute(f"create type basis as enum ({', '.join(literal(word) for word in Basis)})")
    connection.execute(JSON_MACROS)
    return connection


def define_files(connection: Connection, relation: str, types: Mapping[str, str], paths: Sequence[Path], *, place: bool = False) -> None:
    """Define a relation, given as SQL names it, with the columns of a spec over Parquet files; without any it is an empty table.

    `place` puts before them where each row stands: `part`, the file's name, and `n`. Raises InputError when a file is none of ours, and
    names it.
    """
    name = relation.replace('"', "")
    if not paths:
        columns = ", ".join(f"{identifier(column)} {SQL_TYPES[word]}" for column, word in types.items())
        connection.execute(f"create table if not exists {relation} ({'part VARCHAR, n BIGINT, ' if place else ''}{columns})")
        return
    scan = f"read_parquet([{file_list(paths)}], filename = true, file_row_number = true, union_by_name = true)"
    try:
        present = {row[0]: row[1] for row in connection.execute(f"describe select * from {scan}").fetchall()}
    except duckdb.Error as error:
        raise _none_of_ours(paths, types, f"a part of {name} cannot be read: {error}") from error
    if "entity" in types and "entity" not in present:
        raise _none_of_ours(paths, types, f"{name} has no column entity")
    chosen = ["parse_filename(filename, true) as part", "file_row_number as n"] if place else []
    for column, word in types.items():
        wanted = SQL_TYPES[word]
        if column not in present:
            chosen.append(f"null::{wanted} as {identifier(column)}")
        elif present[column] != ("TIMESTAMP WITH TIME ZONE" if wanted == "TIMESTAMPTZ" else wanted):
            raise _none_of_ours(paths, types, f"{name}, column {column} is {present[column]}, should be {wanted}")
        else:
            chosen.append(identifier(column))
    connection.execute(f"create or replace view {relation} as select {', '.join(chosen)} from {scan}")


def _none_of_ours(paths: Sequence[Path], types: Mapping[str, str], otherwise: str) -> InputError:
    """Name the file that keeps a relation from being defined; `otherwise` is said where none does alone."""
    for file in (Readable(path, types, ("entity",) if "entity" in types else ()) for path in paths):
        if wrong := damage(file):
            return InputError(wrong, where=str(file.path), remedy=file.remedy)
    return InputError(otherwise, where=str(paths[0].parent), remedy=REMEDY)


def literal(text: str) -> str:
    """Quote a text for SQL."""
    return "'" + text.replace("'", "''") + "'"


def file_list(paths: Iterable[Path]) -> str:
    """List files for `read_parquet`, which takes a path for a pattern, so that each is found alone."""
    return ", ".join(literal(re.sub(r"[*?\[]", r"[\g<0>]", str(path))) for path in paths)


def identifier(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'
