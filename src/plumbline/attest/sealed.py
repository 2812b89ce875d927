"""The seal of a folder as one acts upon it: read, of our form, and every signature of it holding. `verify` says more of one that is not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from plumbline.attest.content import sealed_by
from plumbline.attest.envelope import Envelope, read_envelope
from plumbline.attest.statement import Facts, Statement, parse_facts, parse_statement
from plumbline.model.errors import InputError, ProtocolError


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal: the name of its file, and what stands in it."""

    name: str
    envelope: Envelope
    statement: Statement
    facts: Facts


def read_seal(folder: Path) -> Seal:
    """Read the seal of a folder; raises InputError when there is none, or none that holds."""
    name = None if folder.is_symlink() else sealed_by(folder)
    if name is None:
        raise InputError("has no seal", where=str(folder), remedy="name a folder that `plumbline seal` sealed, itself and no link to it")
    try:
        envelope = read_envelope(folder / name)
        statement = parse_statement(envelope.payload)
        facts = parse_facts(statement)
        if not all(map(envelope.holds, envelope.signatures)):
            raise ProtocolError("has a signature that does not hold")
    except ProtocolError as error:
        raise InputError(f"the seal {error}", where=str(folder / name), remedy="take it away to seal the folder anew") from error
    return Seal(name, envelope, statement, facts)
