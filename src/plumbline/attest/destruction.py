"""Destroys a sealed folder, and certifies it: which files, by their digests, when, by whom and why, under a signature.

    NAME.destroyed.dsse.json    beside the folder NAME

What the certificate proves: that the holder of a key says so. What deletion does: the names are taken away and the space is free to be
used again. On flash, on journaling and copying file systems, in snapshots and backups the bytes may live on; a customer who needs more
destroys the medium, or keeps the folder on an encrypted one and destroys its key. The certificate says as much.

Rules: nothing before `retain_until` (a day in UTC; also that of a sealed bundle within, or of a sealed folder around it; a seal that
cannot be read keeps it as well) unless it is forced; nothing where no certificate can be signed and written; exactly the files that the
seal names, the seal, and what opens its rows; no link is followed, nothing outside the folder is touched, and what the seal does not name
stays and is named. A run that ended early can be run again, for the seal goes last; what went before is then missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from securesystemslib.signer import Signer  # type: ignore[attr-defined]

from plumbline import __version__
from plumbline.attest.content import BUNDLE_SEAL, OUT_SEAL, PRIVATE, digest_of, entries, sealed_by
from plumbline.attest.envelope import Envelope, read_envelope
from plumbline.attest.sealed import Seal, read_seal, seal_at
from plumbline.attest.statement import DESTRUCTION, Statement, parse_statement
from plumbline.attest.verification import Verification
from plumbline.attest.verify import Asked, named_signers, signed_by
from plumbline.model.errors import EnvironmentFault, InputError, ProtocolError

LISTED_MAX = 1_000
LISTS = ("missing", "changed", "left")
PROVES = (
    "The files were deleted from the file system where they lay. Their bytes may live on in free space, on flash, in journals, snapshots,"
    " copies and backups; of those this certificate says nothing."
)


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What was done: the certificate, how many files went, and those that stayed because the seal does not name them."""

    certificate: Path
    files: int
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """A sealed folder before it goes: its seal, what it says, and which of its files are missing or not as they were sealed."""

    seal: Seal
    digests: dict[str, str]
    missing: list[str]
    changed: list[str]


def destroy(folder: Path, signer: Signer, *, by: str, reason: str, now: datetime, force: bool = False) -> Destroyed:
    """Destroy a sealed folder; raises InputError before anything is touched when that must not be, EnvironmentFault when a file resists."""
    if not by.strip() or not reason.strip():
        raise InputError("somebody answers for it", where=str(folder), remedy="give --by and --reason")
    found = _found(folder)
    folder = folder.resolve()  # no link, as it has a seal: what lies beside it is found also for `.` and `..`
    certificate = folder.with_name(f"{folder.name}.destroyed.dsse.json")
    if os.path.lexists(certificate):
        raise InputError("exists already", where=str(certificate), remedy="move it away; it certifies an earlier destruction")
    until = max((day for day in _days(folder, found, force=force) if day is not None), default=None)
    early = until is not None and now.astimezone(UTC).date() < until
    if early and not force:
        raise InputError(f"is to be kept until {until}", where=str(folder), remedy="--force destroys it all the same, and says so")
    if found.changed and not force:
        remedy = "plumbline verify says what; --force destroys it all the same, and says so"
        raise InputError(f"{found.changed[0]} is not the file that was sealed", where=str(folder), remedy=remedy)
    Envelope(b"{}").signed(signer)  # whoever cannot sign destroys nothing
    _try_to_write(certificate)
    for name in sorted(found.digests):
        _remove(folder, name)
    left = [entry.name for entry in entries(folder, found.seal.name, PRIVATE)]
    said = {
        "plumbline": __version__,
        "by": by,
        "reason": reason,
        "destroyed_at": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "rig": found.seal.facts.rig,
        "holds": found.seal.facts.holds,
        "as_of": found.seal.facts.as_of,
        "sealed": found.seal.envelope.digest(),
        "sealed_at": found.seal.facts.sealed_at,
        "sealed_by": [one.fingerprint for one in found.seal.envelope.signatures],
        "retain_until": until.isoformat() if until else None,
        "before_retain_until": early,
        **{name: {"count": len(names), "names": names[:LISTED_MAX]} for name, names in _lists(found, left).items()},
        "proves": PROVES,
    }
    Envelope(Statement(DESTRUCTION, found.digests, said).to_bytes()).signed(signer).write(certificate)
    for name in (PRIVATE, found.seal.name):
        _remove(folder, name)
    _remove_empty(folder)
    return Destroyed(certificate, len(found.digests), tuple(left))


def _days(folder: Path, found: _Found, *, force: bool) -> Iterator[date | None]:
    """Give the days until which its own seal, seals within it, and one around it want it kept.

    Raises InputError for a seal that tells none, as one that was changed, unless it is forced: nobody knows what it wants.
    """
    yield found.seal.facts.retained_until
    within = [folder / name for name in found.digests if name.rpartition("/")[2] in (BUNDLE_SEAL, OUT_SEAL)]
    around = {above: above / name for above in folder.parents if (name := sealed_by(above)) is not None}
    for path in (*within, *around.values()):
        try:
            seal = seal_at(path)
        except InputError as error:
            if not force:
                why = f"tells nobody until when {folder} is to be kept: {error.message}"
                raise InputError(why, where=str(path), remedy="--force destroys the folder all the same") from error
            continue
        here = f"{folder.relative_to(path.parent).as_posix()}/" if path.parent in around else ""
        if any(name.startswith(here) for name in seal.statement.subjects):
            yield seal.facts.retained_until


def _try_to_write(certificate: Path) -> None:
    """Make the file and take it away again; raises EnvironmentFault where that cannot be done."""
    try:
        with certificate.open("xb"):
            certificate.unlink()
    except OSError as error:
        raise EnvironmentFault(f"cannot write {certificate}: {error.strerror}; nothing was destroyed") from error


def _lists(found: _Found, left: list[str]) -> dict[str, list[str]]:
    return dict(zip(LISTS, (found.missing, found.changed, left), strict=True))


def _found(folder: Path) -> _Found:
    seal = read_seal(folder)
    there = {entry.name: entry for entry in entries(folder, seal.name, PRIVATE)}
    digests, changed = dict[str, str](), list[str]()
    for name, due in seal.statement.subjects.items():
        if (entry := there.get(name)) is None:
            continue
        if entry.odd:
            changed.append(name)
            continue
        digests[name] = digest_of(entry.path)
        if digests[name] != due:
            changed.append(name)
    missing = sorted(seal.statement.subjects.keys() - there.keys())
    return _Found(seal, digests, missing, sorted(changed))


def _remove(folder: Path, name: str) -> None:
    """Take one file away, by way of the folder's own directories alone."""
    *parents, last = name.split("/")
    try:
        with _directory(folder, parents) as handle:
            os.unlink(last, dir_fd=handle)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise EnvironmentFault(f"cannot delete {folder / name}: {error.strerror}; run it again") from error


@contextmanager
def _directory(folder: Path, parents: list[str]) -> Iterator[int]:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    handle = os.open(folder, flags)
    try:
        for parent in parents:
            below = os.open(parent, flags, dir_fd=handle)
            os.close(handle)
            handle = below
        yield handle
    finally:
        os.close(handle)


def _remove_empty(folder: Path) -> None:
    """Take away directories that hold nothing any more, the folder itself last; one that holds something stays."""
    found = [folder]
    for path in found:  # grows on the way; os.walk would call itself once for each level
        with suppress(OSError), os.scandir(path) as listed:
            found += [Path(one.path) for one in listed if one.is_dir(follow_symlinks=False)]
    for path in reversed(found):
        with suppress(OSError):
            path.rmdir()


def verify_certificate(path: Path, asked: Asked) -> Verification:
    """Check a certificate of destruction; raises InputError when the file is none."""
    try:
        envelope = read_envelope(path)
        statement = parse_statement(envelope.payload)
        if statement.kind != DESTRUCTION:
            raise ProtocolError(
                "is the seal of a folder: verify the folder" if statement.kind.startswith("urn:plumbline:seal") else "is no certificate"
            )
        if odd := [name for name in LISTS if not _is_list(statement.predicate.get(name))]:
            raise ProtocolError(f"says in no form of ours what is {odd[0]}")
    except ProtocolError as error:
        raise InputError(str(error), where=str(path), remedy="name a sealed folder, a disclosure or a certificate") from error
    signers = signed_by(envelope, asked)
    said: dict[str, Any] = {**statement.predicate, "files": len(statement.subjects)}
    return Verification("destruction", path.name, said, signers, (), tuple(named_signers(signers, asked)))


def _is_list(said: Any) -> bool:
    """Tell whether a certificate names files as ours do: how many, and the first of them."""
    return (
        isinstance(said, dict)
        and type(said.get("count")) is int
        and isinstance(said.get("names"), list)
        and all(isinstance(name, str) for name in said["names"])
    )
