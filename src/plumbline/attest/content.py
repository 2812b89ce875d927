"""The files of a folder that is sealed, each by its path in it and its SHA-256.

    manifest.dsse.json      the seal of a bundle
    seal.dsse.json          the seal of an OUT
    seal.private.json       what opens single rows to others (`disclosure`); 0600, not sealed, not handed over

Rules: a link or a special file is none that a seal can be about: nothing is followed, so nothing outside the folder is ever read. Nor is a
folder nested too deeply, into which nobody looks.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from plumbline.attest.plain_files import open_plain
from plumbline.attest.statement import plain
from plumbline.model.errors import InputError

BUNDLE_SEAL = "manifest.dsse.json"
OUT_SEAL = "seal.dsse.json"
PRIVATE = "seal.private.json"
BLOCK = 1 << 20
DEPTH_MAX = 32  # folders around a file; those of ours are four


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a folder: its path in it, with slashes; `odd` says why it is no plain file, '' for one that is."""

    name: str
    path: Path
    odd: str = ""


def sealed_by(folder: Path) -> str | None:
    """Give the name of the seal that a folder has; None: it has none."""
    return next((name for name in (OUT_SEAL, BUNDLE_SEAL) if os.path.lexists(folder / name)), None)


def entries(folder: Path, *but: str) -> list[Entry]:
    """Walk everything below a folder, some names in it left out, in the order of the names; raises InputError when it cannot be read."""
    return sorted((entry for entry in _walk(folder, "") if entry.name not in but), key=lambda entry: entry.name)


def _walk(folder: Path, prefix: str) -> Iterator[Entry]:
    try:
        with os.scandir(folder) as listed:
            children = list(listed)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(folder)) from error
    for child in children:
        name, path = prefix + child.name, Path(child.path)
        if child.is_symlink():
            yield Entry(name, path, "is a link")
        elif child.is_dir(follow_symlinks=False):
            if name.count("/") < DEPTH_MAX:
                yield from _walk(path, name + "/")
            else:
                yield Entry(name, path, "is a folder nested too deeply")
        elif child.is_file(follow_symlinks=False):
            yield Entry(name, path, "" if _is_text(name) and plain(name) else "has a name that other systems cannot keep")
        else:
            yield Entry(name, path, "is a special file")


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def digest_of(path: Path) -> str:
    """Give the SHA-256 of a plain file, in hex; raises InputError for anything else, or when it cannot be read."""
    digest = hashlib.sha256()
    with open_plain(path) as file:
        try:
            while block := file.read(BLOCK):
                digest.update(block)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    return digest.hexdigest()
