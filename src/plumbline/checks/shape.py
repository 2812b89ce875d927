"""What a sound query looks like from outside: which tables it reads, which columns it gives, of which types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """Facts about one check's query that its decision needs; made by the linter alone, so holding one means that the query passed."""

    tables: frozenset[str]  # specs and views that it reads, its subjects among them
    placeholders: frozenset[str]  # parameters that it uses, `as_of` among them
    applies: bool  # it gives a column `applies`
    cvss: bool  # it gives a column `cvss`
    own_evidence: bool  # its evidence is its subject's own row and nothing else
    detail: Mapping[str, str]  # further columns and their SQL types
