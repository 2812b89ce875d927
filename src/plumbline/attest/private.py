"""seal.private.json: what opens single rows of a sealed assessment to others. Whoever holds it can show any row, so it is not handed over.

{
 "format": 1,
 "seed": 64 hex digits, from which every salt follows (`commitments`),
 "envelope": the statement that names the root of the tree, signed with the seal
}
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from plumbline.attest.envelope import Envelope, decoded, parse_envelope
from plumbline.attest.plain_files import read_plain
from plumbline.attest.statement import ROWS, parse_statement
from plumbline.evidence.parts import atomic
from plumbline.model.errors import InputError, ProtocolError

FORMAT = 1
SIZE_MAX = 1 << 20
_SEED = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Private:
    """The seed of the salts, the root of the tree, and the envelope whose statement names it."""

    seed: bytes
    root: bytes
    envelope: Envelope = field(default_factory=lambda: Envelope(b""))

    def to_bytes(self) -> bytes:
        """Give the bytes of its file."""
        document = {"format": FORMAT, "seed": self.seed.hex(), "envelope": self.envelope.document()}
        return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()

    def write(self, path: Path) -> None:
        """Write the file, 0600."""
        with atomic(path) as temporary:
            temporary.write_bytes(self.to_bytes())


def read_private(path: Path) -> Private:
    """Read the file; raises InputError when it is none, or not as it was written."""
    data = read_plain(path, SIZE_MAX)
    try:
        document = decoded(data)
        if not isinstance(document, dict) or list(document) != ["format", "seed", "envelope"] or document["format"] != FORMAT:
            raise ProtocolError(f"is not of format {FORMAT}")
        if not isinstance(document["seed"], str) or not _SEED.fullmatch(document["seed"]):
            raise ProtocolError("has no seed")
        envelope = parse_envelope(document["envelope"])
        found = Private(bytes.fromhex(document["seed"]), root_in(envelope), envelope)
        if found.to_bytes() != data:
            raise ProtocolError("is not in the form in which it is written")
    except ProtocolError as error:
        raise InputError(str(error), where=str(path), remedy="seal the assessment anew") from error
    return found


def root_in(envelope: Envelope) -> bytes:
    """Give the root that a statement of rows names; raises ProtocolError when it is another statement."""
    statement = parse_statement(envelope.payload)
    if statement.kind != ROWS or list(statement.subjects) != ["rows"]:
        raise ProtocolError(f"is no {ROWS}")
    return bytes.fromhex(statement.subjects["rows"])
