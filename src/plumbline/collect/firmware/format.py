"""What a format of firmware is: how it is told, and what opening it gives. The formats stand in `formats/`, one a file.

Four sorts, of which one format may be several: a *container* gives parts (FIT, TRX, SWUpdate), a *compression* gives one part, a *file
system* or *archive* gives files, and a *header* gives facts (declared version, product, signature). What is inside is opened by
`unpack`, never by the format: formats know nothing of each other.

Rules: a format reads from a Source, which bounds it; it raises ProtocolError, and nothing else, when the bytes are at fault
(UnsupportedImageError: understood, but not handled); it believes no number before it has bounded it.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from plumbline.collect.firmware.source import Budget, Source
from plumbline.model.errors import InternalError, ProtocolError

HEAD = 64 << 10  # bytes: telling a format looks no further


@dataclass(frozen=True, slots=True)
class Inode:
    """One file as a file system knows it; `kind` is directory, file, symlink or other, `mode` permission bits with setuid and sticky."""

    kind: str
    mode: int
    size: int  # bytes; of anything but a file: 0
    target: bytes = b""  # of a symlink
    data: Any = None  # what the file system itself needs to read it


class FileSystem(ABC):
    """A tree of files. `reference` is the file system's own name for an inode; hashable, and the same for two names of one file."""

    root: Any

    @abstractmethod
    def inode(self, reference: Any) -> Inode:
        """Read an inode."""

    @abstractmethod
    def listing(self, directory: Inode) -> Iterator[tuple[bytes, Any]]:
        """Yield name and reference of each entry of a directory, without `.` and `..`; what is read for it is paid for."""

    @abstractmethod
    def pieces(self, inode: Inode) -> Iterator[bytes]:
        """Yield a file's content from its start, in pieces of at most `source.PIECE` bytes, each paid for when it is made."""

    def content(self, inode: Inode, most: int) -> bytes:
        """Read a file's content, at most its first `most` bytes."""
        left, parts = min(inode.size, most), []
        for piece in self.pieces(inode) if left else ():
            parts.append(piece[:left])
            left -= len(parts[-1])
            if not left and most < inode.size:
                break  # else to the end, where a checksum may stand
        if left:
            raise ProtocolError(f"the file ends {left} bytes before its end")
        return b"".join(parts)

    def owner(self, _inode: Inode) -> int | None:
        """Give the user id of the owner; None where the format has none."""
        return None

    def place(self, _inode: Inode) -> int | None:
        """Give the offset of a file's first data in the format's own source; None when it lies at none."""
        return None

    def stored(self, _inode: Inode) -> Source | None:
        """Give a file's bytes where they lie as they are; None where they must be put together."""
        return None


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature that a format carries. `verified` is None when no key was at hand to try it with; a digest alone is no signature."""

    scheme: str  # as the format calls it: fit, mcuboot, rauc-cms, swupdate-cms, zigbee-ecdsa, esp-secure-boot-v2, ...
    algorithm: str | None  # rsa, ecdsa, ed25519
    key_bits: int | None
    digest: str | None  # sha256, sha1, ...
    covers: str  # what is signed, in words: "the whole image", "configuration conf-1"
    key_sha256: str | None = None  # of the public key (SubjectPublicKeyInfo) or of the key hash that the format names, hex
    verified: bool | None = None


@dataclass(frozen=True, slots=True)
class Header:
    """What a format says of itself. None: it does not say; `checksum` is whether its own checksums and digests hold (None: it has none)."""

    version: str | None = None
    product: str | None = None
    vendor: str | None = None
    hardware: tuple[str, ...] = ()
    name: str | None = None
    architecture: str | None = None
    created_at: datetime | None = None
    security_version: int | None = None  # anti-rollback counter
    checksum: bool | None = None
    encrypted: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)  # whatever else an auditor may want to see, short


@dataclass(frozen=True, slots=True)
class Part:
    """Something inside: bytes with a name; `role` is what the format says that it is for (kernel, rootfs, ramdisk, dtb, script, ...)."""

    name: str
    source: Source
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """What opening gave. `size` is how many bytes of the source the format takes: what follows is looked at by itself.

    With `problems`, which tell what could not be read of it, it is how far it was read.
    """

    header: Header = Header()
    parts: tuple[Part, ...] = ()
    files: FileSystem | None = None
    signatures: tuple[Signature, ...] = ()
    compression: str | None = None
    size: int | None = None  # None: all of it
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Format:
    """One format: the module `formats/<id>.py` defines it as FORMAT.

    `magics` are (offset, bytes) any of which must stand there before `recognises` is asked, whose word must be worth something where the
    magic alone is not; `embedded` says that both together are strong enough to be searched for behind a vendor's header, at any offset.
    `strength` is for a format that is a special case of another, and has no longer magic than that. An empty magic stands anywhere: such
    a format is always asked.
    """

    id: str
    title: str
    magics: tuple[tuple[int, bytes], ...]
    recognises: Callable[[Source], bool]
    open: Callable[[Source, Budget], Opened]
    embedded: bool = False
    strength: int = 0


@cache
def load_formats() -> Mapping[str, Format]:
    """All formats by id; raises InternalError for a module without one."""
    import plumbline.collect.firmware.formats as formats

    found: dict[str, Format] = {}
    for info in pkgutil.iter_modules(formats.__path__):
        made = getattr(importlib.import_module(f"{formats.__name__}.{info.name}"), "FORMAT", None)
        if not isinstance(made, Format) or made.id != info.name:
            raise InternalError(f"formats/{info.name}.py defines no FORMAT of its own name")
        found[made.id] = made
    return found


def candidates(source: Source) -> list[Format]:
    """Tell the formats that may start at the source's first byte, the one with the strongest evidence first."""
    head = source.some(0, HEAD)
    told: list[tuple[int, str, Format]] = []
    for each in load_formats().values():
        longest = max((len(magic) for at, magic in each.magics if head.startswith(magic, at)), default=-1)
        if longest >= 0 and each.recognises(source):
            told.append((each.strength + longest, each.id, each))
    return [each for _, _, each in sorted(told, reverse=True)]


def identify(source: Source) -> Format | None:
    """Tell the format that starts at the source's first byte."""
    return next(iter(candidates(source)), None)
