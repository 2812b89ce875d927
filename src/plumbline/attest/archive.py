"""A sealed folder as one encrypted file for its recipients: a tar archive (POSIX pax) within age (age-encryption.org/v1).

Not a seal: age tells nobody who encrypted, so what comes out is verified like any folder. Rules: the archive is the same for the same
files, its members in the order of their names and without times or owners; every file is digested on its way and must be the one that was
sealed; what is private stays out unless it is asked for; neither side holds more than a piece of a file in memory.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyrage  # type: ignore[import-untyped]

from plumbline.attest.content import BLOCK, PRIVATE, entries
from plumbline.attest.keys import PEM_MAX
from plumbline.attest.plain_files import open_plain
from plumbline.attest.sealed import check_new, read_seal
from plumbline.evidence.parts import atomic
from plumbline.model.errors import EnvironmentFault, InputError

RECIPIENTS_MAX = 100
_HOW = "give age1... (age-keygen makes one), an ssh-ed25519 or ssh-rsa key, or a file with one on each line"


@dataclass(frozen=True, slots=True)
class Archived:
    """An archive that was written: how many files are in it, and those that are not, because the seal does not name them."""

    files: int
    left: tuple[str, ...]


def load_recipients(words: Collection[str]) -> list[Any]:
    """Read recipients: each a public key of age or SSH, or a file with one on each line; raises InputError."""
    lines: list[tuple[str, str]] = []
    for word in words:
        if word.startswith(("age1", "ssh-")):
            lines.append((word, "--to"))
        else:
            lines += [(line, word) for line in _lines(Path(word))]
    if len(lines) > RECIPIENTS_MAX:
        raise InputError(f"more than {RECIPIENTS_MAX} recipients", where="--to")
    found = []
    for text, where in lines:
        kind = pyrage.ssh.Recipient if text.startswith("ssh-") else pyrage.x25519.Recipient
        try:
            found.append(kind.from_str(text))
        except (pyrage.RecipientError, ValueError) as error:
            raise InputError(f"{text[:60]!r} is no recipient: {error}", where=where, remedy=_HOW) from error
    if not found:
        raise InputError("names no recipient", where="--to", remedy=_HOW)
    return found


def _lines(path: Path) -> Iterator[str]:
    try:
        if path.stat().st_size > PEM_MAX:
            raise InputError(f"is larger than {PEM_MAX} bytes", where=str(path), remedy=_HOW)
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"is no recipient, and no file of recipients: {error}", where=str(path)[:200], remedy=_HOW) from error
    yield from (line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


def write_archive(folder: Path, to: Path, recipients: list[Any], *, with_private: bool = False) -> Archived:
    """Write the files that the seal of a folder names, and the seal, as one encrypted file.

    Raises InputError when the folder has no seal, a file is not the one that was sealed, or `to` is no new file outside it.
    """
    check_new(to, folder)
    seal = read_seal(folder)
    due: dict[str, str | None] = {**seal.statement.subjects, seal.name: None}
    if with_private and (folder / PRIVATE).is_file():
        due[PRIVATE] = None
    stream = _Stream(_tar(folder, due))
    with atomic(to) as temporary, temporary.open("wb") as file:
        try:
            pyrage.encrypt_io(stream, file, recipients)
        except pyrage.EncryptError as error:
            raise stream.error or EnvironmentFault(f"cannot write {to}: {error}") from error
    return Archived(len(due), tuple(entry.name for entry in entries(folder, PRIVATE) if entry.name not in due))


def _tar(folder: Path, due: dict[str, str | None]) -> Iterator[bytes]:
    """Give the bytes of the archive, piece by piece; raises InputError for a file that is not the one that was sealed."""
    for name, digest in sorted(due.items()):
        path = folder / name
        with open_plain(path) as file:
            size = os.fstat(file.fileno()).st_size
            yield _header(name, size)
            found, read = hashlib.sha256(), 0
            while read < size and (block := file.read(min(BLOCK, size - read))):
                found.update(block)
                read += len(block)
                yield block
        if read != size or (digest is not None and found.hexdigest() != digest):
            raise InputError("is not the file that was sealed", where=str(path), remedy="plumbline verify says what changed")
        yield bytes(-size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _header(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, 0
    return member.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


class _Stream:
    """Pieces of bytes, read like a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")
        self.error: InputError | None = None  # what ended the pieces: the library makes an error of its own of it

    def read(self, size: int) -> bytes:
        while not self._rest:
            try:
                self._rest = memoryview(next(self._pieces))
            except StopIteration:
                return b""
            except InputError as error:
                self.error = error
                raise
        piece, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return piece
