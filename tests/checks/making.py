"""Checks and examples made in a test: small pieces, put into their real types."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from plumbline.checks.check import Check, Example, Need, Parameter, Scope
from plumbline.checks.loader import load_check
from plumbline.checks.registry import SHIPPED

AS_OF = datetime(2026, 11, 21, tzinfo=UTC)
BASE = SHIPPED / "gateway" / "broker_accepts_anonymous.toml"


def made_check(query: str, *, subjects: str = "mqtt_broker", needs: Mapping[str, Sequence[str]] | None = None, **changes: Any) -> Check:
    """A check with a query; `needs` as `{"pass_needs": ["rig.host"]}`."""
    found = {key: tuple(_need(text) for text in texts) for key, texts in (needs or {}).items()}
    return dataclasses.replace(
        load_check(BASE), **{"query": query, "subjects": subjects, "message": "{subject}", "examples": (), **found, **changes}
    )


def _need(text: str) -> Need:
    scope, _, table = text.partition(".")
    return Need(Scope(scope), table)


def made_example(tables: Mapping[str, Sequence[Mapping[str, Any]]], coverage: Sequence[Mapping[str, Any]] = (), **changes: Any) -> Example:
    """An example that expects nothing yet."""
    example = Example("made", {name: tuple(rows) for name, rows in tables.items()}, tuple(coverage), {}, AS_OF, ())
    return dataclasses.replace(example, **changes)


def days(default: int = 90, minimum: int | None = 1, maximum: int | None = 365) -> Parameter:
    """A parameter for tests."""
    return Parameter("days", "int", default, minimum, maximum, "days")
