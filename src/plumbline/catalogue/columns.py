"""Facts that people write by hand: cells or keys named like the columns of the reference tables, read strictly.

    product or vendor and model     whom it is about
    columns of `product`            with neither version nor support dates: a product
    columns of `release`            with a version: a release
    columns of `support`            with cycle, latest or a date of support: a support period

One record may be all three. Not a form of file (`importers.csv`, `importers.own`). Rules: whoever writes by hand wants to hear of mistakes:
a column that there is not, or a value that does not fit, refuses the record and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from typing import Any

from plumbline.catalogue import values
from plumbline.catalogue.facts import TABLES, Fact, Product, Release, ReleaseState, Support
from plumbline.catalogue.names import identifier, plain, product_key
from plumbline.evidence.reference import load_reference_tables

OF_SUPPORT = ("cycle", "latest", "latest_at", "available_at", "sales_end_at", "security_ends_at", "ends_at", "ended")
_SET_BY_US = {"source", "read_at", "record"}
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


@cache
def known() -> frozenset[str]:
    """All columns that a record may have."""
    return frozenset(field.name for kind in TABLES for field in fields(kind)) - _SET_BY_US


def facts(record: Mapping[str, Any]) -> Iterator[Fact]:
    """Read one record; raises ValueError naming the column that is wrong."""
    given = {name: value for name, value in record.items() if value not in (None, "", [])}
    if unknown := sorted(given.keys() - known()):
        raise ValueError(f"no column {', '.join(map(repr, unknown))}")
    vendor, model = _named(given)
    key = product_key(vendor, model)
    kinds: list[type[Fact]] = [kind for kind, tells in ((Release, ("version",)), (Support, OF_SUPPORT)) if given.keys() & set(tells)]
    rest = set(given) - {"product", "vendor", "model"}
    for kind in kinds:
        yield _fact(kind, key, given)
        rest -= {field.name for field in fields(kind)}
    if homeless := sorted(rest - {field.name for field in fields(Product)}):
        raise ValueError(f"{homeless[0]} is said of a release: give its version")
    if not kinds or rest or "model" in given:
        yield _fact(Product, key, {**given, "vendor": vendor, "model": model}, without=_taken(kinds))


def _taken(kinds: list[type[Fact]]) -> frozenset[str]:
    """Columns of `product` that a release has too: beside a version they are the release's."""
    return frozenset({"hardware", "url"}) if Release in kinds else frozenset()


def _named(given: Mapping[str, Any]) -> tuple[str | None, str]:
    product = given.get("product")
    if isinstance(product, str):
        vendor, slash, model = product.partition("/")
        named = (vendor if slash else None, model if slash else product)
        if "model" in given and product_key(*named) != product_key(given.get("vendor"), str(given["model"])):
            raise ValueError("product and model name two things")
        return (given.get("vendor", named[0]), str(given.get("model", named[1])))
    if not isinstance(given.get("model"), str):
        raise ValueError("names no product: give `product` as vendor/model, or `vendor` and `model`")
    return given.get("vendor"), given["model"]


def _fact(kind: type[Fact], key: str, given: Mapping[str, Any], without: frozenset[str] = frozenset()) -> Fact:
    spec = load_reference_tables()[TABLES[kind]]
    types = {**spec.types(), "product": "text"}
    read = {
        name: _value(name, types[name], given[name])
        for name in (field.name for field in fields(kind))
        if name in given and name not in _SET_BY_US and name not in without and given[name] is not None
    }
    return kind(**{**read, "product": key})


def _value(column: str, word: str, value: object) -> Any:
    found = _SPECIAL[column](value) if column in _SPECIAL else _READERS[word](value)
    if found is None:
        raise ValueError(f"{column}: {str(value)[:60]!r} is {_WANTED.get(column) or _WANTED[word]}")
    return found


def _listed(value: object) -> tuple[str, ...] | None:
    return values.texts(value.split("|") if isinstance(value, str) else value)


def _flag(value: object) -> bool | None:
    if isinstance(value, str):
        return True if value.strip().lower() in _TRUE else False if value.strip().lower() in _FALSE else None
    return value if isinstance(value, bool) else None


def _state(value: object) -> str | None:
    return value.strip().lower() if isinstance(value, str) and value.strip().lower() in set(ReleaseState) else None


def _each(form: Callable[[str], str]) -> Callable[[object], tuple[str, ...] | None]:
    return lambda value: values.distinct(form(one) for one in _listed(value) or ())


_READERS: Mapping[str, Callable[[object], Any]] = {
    "text": lambda value: values.text(str(value) if isinstance(value, int) and not isinstance(value, bool) else value, values.TEXT_MAX),
    "list<text>": _listed,
    "int": values.integer,
    "timestamp": lambda value: None if isinstance(value, int) else values.moment(value),
    "boolean": _flag,
}
_SPECIAL: Mapping[str, Callable[[object], Any]] = {
    "sha256": lambda value: values.digest("sha256", value),
    "sha512": lambda value: values.digest("sha512", value),
    "state": _state,
    "aliases": _each(plain),
    "identifiers": _each(identifier),
    "fixes": _each(str.upper),
}
_WANTED: Mapping[str, str] = {
    "text": f"no text of 1 to {values.TEXT_MAX} characters",
    "list<text>": "no list of texts (in a cell they are parted by |)",
    "int": "no whole number",
    "timestamp": "no date like 2026-11-21",
    "boolean": "neither true nor false",
    "sha256": "no SHA-256 in hex or base64",
    "sha512": "no SHA-512 in hex or base64",
    "state": f"none of {', '.join(ReleaseState)}",
}
