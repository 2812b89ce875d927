"""Statements: what a seal says, in the form of in-toto's Statement v1. Not how it is signed (`envelope`), nor whether it is true.

    {"_type": "https://in-toto.io/Statement/v1",
     "subject": [{"name": "ledger.parquet", "digest": {"sha256": "..."}}, ...],
     "predicateType": "urn:plumbline:seal:1",
     "predicate": {...}}

| predicateType | its subjects | its predicate |
|---|---|---|
| urn:plumbline:seal:1 | every file of the folder, by its path in it | `Facts`, below |
| urn:plumbline:rows:1 | `rows`: the root of the tree over all rows (`commitments`) | sealed: SHA-256 of the seal's payload |
| urn:plumbline:destruction:1 | every file that was destroyed | who, when, why, what is left (`destruction`) |

Rules: names are unique, relative, and lead nowhere else; digests are SHA-256; a predicate only gains members.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from types import NoneType
from typing import Any

from plumbline.attest.envelope import decoded
from plumbline.model.errors import ProtocolError

STATEMENT = "https://in-toto.io/Statement/v1"
SEAL = "urn:plumbline:seal:1"
ROWS = "urn:plumbline:rows:1"
DESTRUCTION = "urn:plumbline:destruction:1"
NAME_MAX = 4096
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement: digests (SHA-256, hex) by the names of its subjects, its type and its predicate."""

    kind: str
    subjects: Mapping[str, str]
    predicate: Mapping[str, Any]

    def to_bytes(self) -> bytes:
        """Give the payload of an envelope. What no UTF-8 can say, a byte of a name that is none, stands as JSON's escape."""
        document = {
            "_type": STATEMENT,
            "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(self.subjects.items())],
            "predicateType": self.kind,
            "predicate": self.predicate,
        }
        return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a seal says beside its files. Members that only an assessment has are None in the seal of a bundle.

    `sealed_at` is the word of the signer's clock. `rows` is the root of the tree over all rows; None: `rows_missing` says why there is
    none. `bundles` are the digests of their manifests, by name. Digests are SHA-256 in hex, times ISO 8601.
    """

    plumbline: str
    holds: str  # bundle | assessment
    rig: str
    sealed_at: str
    bundles: Mapping[str, str]
    retain_until: str | None = None
    as_of: str | None = None
    ledger_digest: str | None = None
    ledger_rows: int | None = None
    checks_digest: str | None = None
    parameters_digest: str | None = None
    parameters: Mapping[str, Any] | None = None
    reference: Mapping[str, str] | None = None
    rows: str | None = None
    rows_missing: str | None = None

    def predicate(self) -> dict[str, Any]:
        """Give them as the predicate of a statement."""
        return asdict(self)

    @property
    def retained_until(self) -> date | None:
        """The date before which the sealed files are not to be destroyed."""
        return date.fromisoformat(self.retain_until) if self.retain_until else None


def parse_statement(payload: bytes) -> Statement:
    """Read the payload of an envelope; raises ProtocolError when it is no statement."""
    document = decoded(payload)
    if not isinstance(document, dict) or document.get("_type") != STATEMENT:
        raise ProtocolError(f"holds no {STATEMENT}")
    kind, subjects, predicate = document.get("predicateType"), document.get("subject"), document.get("predicate")
    if not isinstance(kind, str) or not isinstance(subjects, list) or not isinstance(predicate, dict):
        raise ProtocolError("holds a statement without a type, subjects or a predicate")
    found: dict[str, str] = {}
    for one in subjects:
        name, digest = _subject(one)
        if name in found:
            raise ProtocolError(f"names {name[:100]!r} twice")
        found[name] = digest
    if not found and kind != DESTRUCTION:
        raise ProtocolError("is about nothing")
    return Statement(kind, found, predicate)


def parse_facts(statement: Statement) -> Facts:
    """Read what a seal says; raises ProtocolError when it is the statement of something else, or of another form."""
    if statement.kind != SEAL:
        raise ProtocolError(f"is no seal but {statement.kind[:100]!r}")
    said = statement.predicate
    try:
        if wrong := [name for name, shape in _SHAPES.items() if name in said and not isinstance(said[name], shape)]:
            raise ProtocolError(f"is a seal of another form: {', '.join(wrong)}")
        facts = Facts(**{name: value for name, value in said.items() if name in _SHAPES})
        _ = facts.retained_until
    except (TypeError, ValueError) as error:
        raise ProtocolError(f"is a seal of another form: {error}") from error
    due = {"bundle": ("manifest.json",), "assessment": ("assessment.json", "ledger.parquet")}.get(facts.holds)
    if due is None or not all(any(f"{name}/".startswith(f"{one}/") for name in statement.subjects) for one in due):
        raise ProtocolError(f"names no file that makes it the seal of {facts.holds[:40]!r}")
    return facts


_TEXT, _TABLE = (str, NoneType), (dict, NoneType)
_SHAPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("plumbline", "holds", "rig", "sealed_at"), (str,)),
    "bundles": (dict,),
    **dict.fromkeys(("retain_until", "as_of", "ledger_digest", "checks_digest", "parameters_digest", "rows", "rows_missing"), _TEXT),
    **dict.fromkeys(("parameters", "reference"), _TABLE),
    "ledger_rows": (int, NoneType),
}


def _subject(entry: Any) -> tuple[str, str]:
    name = entry.get("name") if isinstance(entry, dict) else None
    digest = entry.get("digest") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not isinstance(digest, dict) or not plain(name):
        raise ProtocolError("names a subject that is no file of the folder")
    sha256 = digest.get("sha256")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise ProtocolError(f"has no SHA-256 of {name[:100]!r}")
    return name, sha256


def plain(name: str) -> bool:
    """Tell whether a name is a path that stays in its folder, on any system."""
    parts = name.split("/")
    return (
        0 < len(name) <= NAME_MAX
        and not any(part in ("", ".", "..") for part in parts)
        and not any(char in name for char in ("\\", "\0"))
        and not re.match(r"[A-Za-z]:", name)
    )
