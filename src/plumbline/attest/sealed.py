"""The seal of a folder as one acts upon it: read, of our form, and every signature of it holding. `verify` says more of one that is not."""

from __future__ import annotations

import os
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
    return seal_at(folder / name)


def seal_at(path: Path) -> Seal:
    """Read the seal in a file; raises InputError when it is none that holds."""
    try:
        envelope = read_envelope(path)
        statement = parse_statement(envelope.payload)
        facts = parse_facts(statement)
        if not all(map(envelope.holds, envelope.signatures)):
            raise ProtocolError("has a signature that does not hold")
    except ProtocolError as error:
        raise InputError(f"the seal {error}", where=str(path), remedy="take it away to seal the folder anew") from error
    return Seal(path.name, envelope, statement, facts)


def check_new(file: Path, folder: Path) -> None:
    """Raise InputError unless a file to write is not there yet, and would not be one more in a sealed folder, which changes it."""
    if os.path.lexists(file):
        raise InputError("exists already", where=str(file), remedy="name another file")
    if file.resolve().is_relative_to(folder.resolve()):
        raise InputError("lies in the sealed folder, which it would change", where=str(file), remedy="name a file outside it")
