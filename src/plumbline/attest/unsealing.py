"""Opens an encrypted archive of a sealed folder. What is in it is hostile: anybody can encrypt for a recipient.

Rules: plain files alone, by names that stay in the folder, each once; no link, no device, no sparse file; sizes and counts are capped, and
so is what a header can make us hold in memory. The folder appears under its name when all of it is there, and not at all otherwise.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyrage  # type: ignore[import-untyped]

from plumbline.attest.content import BLOCK, DEPTH_MAX
from plumbline.attest.keys import read_key_file
from plumbline.attest.statement import plain
from plumbline.model.errors import EnvironmentFault, InputError, ProtocolError

UNSEALED_MAX = 64 << 30  # bytes; the largest bundles that were measured are a tenth of it
FILES_MAX = 500_000
_WHAT = "name an archive that `plumbline seal --to` wrote, and the identity that it was made for"
HEADER_MAX = 1 << 20  # bytes that one read may ask for: a pax header of ours is below 10 kB


def load_identities(path: Path) -> list[Any]:
    """Read private keys: those of an age-keygen file, or one of SSH; raises InputError."""
    data = read_key_file(path, remedy="give the file that age-keygen wrote, or an SSH private key")
    try:
        if b"PRIVATE KEY-----" in data:
            return [pyrage.ssh.Identity.from_buffer(data)]
        lines = [line.strip() for line in data.decode("utf-8").splitlines()]
        found = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except (pyrage.IdentityError, ValueError) as error:
        raise InputError(f"holds no identity: {error}", where=str(path), remedy="give the file that age-keygen wrote") from error
    if not found:
        raise InputError("holds no identity", where=str(path), remedy="give the file that age-keygen wrote")
    return found


def unseal(file: Path, to: Path, identities: list[Any], *, limit: int = UNSEALED_MAX) -> int:
    """Decrypt an archive into a folder that is not there yet, or empty; gives the number of files.

    Raises InputError when it is not for these identities, was changed or cut, or holds anything but plain files.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise InputError("is not an empty folder", where=str(to), remedy="name another")
    try:
        to.absolute().parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".unseal-", dir=to.absolute().parent))
    except OSError as error:
        raise EnvironmentFault(f"cannot write beside {to}: {error.strerror}") from error
    try:
        archive, folder = staging / "archive", staging / "folder"
        _decrypt(file, archive, identities, limit)
        folder.mkdir(mode=0o700)
        with archive.open("rb") as plaintext:
            count = _extract(plaintext, folder, str(file))
        if to.exists():
            to.rmdir()
        folder.rename(to)
    except OSError as error:
        raise EnvironmentFault(f"cannot write {to}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return count


class _Limited:
    """A file that takes no more than so many bytes."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file = file
        self._left = limit

    def write(self, data: bytes) -> int:
        self._left -= len(data)
        if self._left < 0:
            raise ProtocolError("holds more than an archive may")
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def _decrypt(file: Path, to: Path, identities: list[Any], limit: int) -> None:
    remedy = "ask for it anew, and compare its size"
    try:
        source = file.open("rb")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(file), remedy=_WHAT) from error
    with source, os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as plaintext:
        try:
            pyrage.decrypt_io(source, _Limited(plaintext, limit), identities)
        except pyrage.DecryptError as error:
            raise InputError(f"cannot be decrypted: {error}", where=str(file), remedy=_WHAT) from error
        except ProtocolError as error:
            raise InputError(str(error), where=str(file), remedy=remedy) from error
        except OSError as error:
            if error.errno is not None:
                raise
            raise InputError("was changed or cut on its way", where=str(file), remedy=remedy) from error


class _Careful:
    """An archive's bytes for `tarfile`, which would read a header of any size into memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.tell = file.tell
        self.seek = file.seek

    def read(self, size: int) -> bytes:
        if not 0 <= size <= HEADER_MAX:
            raise ProtocolError("has a header that is too long")
        return self._file.read(size)


def _extract(plaintext: IO[bytes], folder: Path, where: str) -> int:
    try:
        with tarfile.open(fileobj=_Careful(plaintext), mode="r:", encoding="utf-8", errors="strict") as archive:  # type: ignore[call-overload]
            count = 0
            for member in _members(archive):
                _take(archive, member, folder)
                count += 1
    except (tarfile.TarError, ProtocolError, ValueError, EOFError, OverflowError, RecursionError) as error:
        raise InputError(f"holds no archive that is safe to open: {error}", where=where, remedy="do not use it; ask for it anew") from error
    return count


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Give each member that may be taken; raises ProtocolError for any other."""
    for number, member in enumerate(archive):
        name = member.name[:100]
        if number >= FILES_MAX:
            raise ProtocolError(f"more than {FILES_MAX} files")
        if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.sparse is not None or not member.isreg():
            raise ProtocolError(f"{name!r} is no plain file")
        if not plain(member.name) or member.name.count("/") > DEPTH_MAX:
            raise ProtocolError(f"{name!r} leads out of the folder, or is no name")
        yield member


def _take(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    path = folder / member.name
    content = archive.extractfile(member)
    if content is None:
        raise ProtocolError(f"{member.name[:100]!r} has no content")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except (FileExistsError, NotADirectoryError) as error:
        raise ProtocolError(f"{member.name[:100]!r} is there twice") from error
    with os.fdopen(handle, "wb") as file:
        shutil.copyfileobj(content, file, BLOCK)
        if file.tell() != member.size:
            raise ProtocolError(f"{member.name[:100]!r} ends too early")
