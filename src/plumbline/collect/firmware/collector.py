"""Reads the firmware images that the rig file lists into image, package, image_key, image_account and image_file.

Rules: an image is read where it lies, in bounded memory, and nothing of it is run or written; a part that cannot be read makes the tables
that depend on it `partial`; keys and hashes leave as digests only (law 8).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import BinaryIO

from plumbline.collect.attempt import Attempt
from plumbline.collect.context import Context
from plumbline.collect.file_names import as_in_rig, entity_keys
from plumbline.collect.firmware.accounts import read_accounts
from plumbline.collect.firmware.finding import find_squashfs
from plumbline.collect.firmware.keys import find_keys, use_of
from plumbline.collect.firmware.notable import authorized_keys, notable
from plumbline.collect.firmware.packages import DATABASES, NOT_READ, read_packages
from plumbline.collect.firmware.release import system_name
from plumbline.collect.firmware.squashfs import BudgetSpentError, Squashfs, UnsupportedImageError
from plumbline.collect.firmware.startup import startup
from plumbline.collect.firmware.tree import Entry, Tree, walk
from plumbline.evidence.bundle import SuppliedFile
from plumbline.model.entities import Entity
from plumbline.model.errors import ProtocolError
from plumbline.model.words import EntityKind, Outcome
from plumbline.rig.models import Firmware
from plumbline.rig.secrets import keyed_digest

TABLES = ("image", "package", "image_key", "image_account", "image_file")
DATABASE_MAX = 64 << 20
TEXT_MAX = 1 << 20
SCANNED_MAX = 64 << 20  # bytes of one file that are searched for keys
IMAGE_KEYS_MAX = 10_000
FILES_BETWEEN_REPORTS = 500
_ACCOUNT_FILES = frozenset({"passwd", "shadow", "passwd-", "shadow-"})


def collect(context: Context) -> None:
    """Read every image of the rig file."""
    images = {firmware.path: firmware for firmware in context.rig.firmware}
    for path, key in entity_keys(images, context.rig.path).items():
        if context.stop():
            return
        entity = Entity.of(EntityKind.IMAGE, "", key)
        if context.writer.attempted(entity, TABLES[0]):
            continue  # by an earlier session
        attempt = Attempt(context, entity, TABLES)
        file = attempt.supply(path)
        if file is not None:
            try:
                with path.open("rb") as stream:
                    _Reading(attempt, file, images[path]).run(stream)
            except UnsupportedImageError as error:
                attempt.short(Outcome.NOT_SUPPORTED, f"{path.name}: {error}")
            except ProtocolError as error:
                attempt.short(Outcome.PROTOCOL_ERROR, f"{path.name}: {error}")
            except OSError as error:
                attempt.short(Outcome.PROTOCOL_ERROR, f"{path.name}: cannot be read: {error.strerror}")
        if context.stop():
            attempt.abandon()
            return
        attempt.end()


class _Reading:
    """One image on its way into rows."""

    def __init__(self, attempt: Attempt, file: SuppliedFile, firmware: Firmware) -> None:
        self.attempt = attempt
        self.file = file
        self.firmware = firmware
        self.name = file.path.name
        self.tree: Tree

    def run(self, stream: BinaryIO) -> None:
        """Read the tree, then one table after the other."""
        base = find_squashfs(stream)
        image = Squashfs(stream, base)
        self.tree = walk(image, self.attempt.context.stop)
        for problem in self.tree.problems:
            self.attempt.short(Outcome.PARTIAL, f"{self.name}: {problem}")
        if base:
            said = f"{self.name}: a squashfs at byte {base}; the rest of the file was not searched for keys"
            self.attempt.short(Outcome.PARTIAL, said, "image_key")
        steps: tuple[tuple[str, Callable[[], None]], ...] = (
            ("image", self.image),
            ("package", self.packages),
            ("image_account", self.accounts),
            ("image_file", self.files),
            ("image_key", self.keys),  # last: it reads every file, and may spend the budget
        )
        for table, step in steps:
            try:
                step()
            except BudgetSpentError as error:
                self.attempt.short(Outcome.PARTIAL, f"{self.name}: {error}", table)

    def image(self) -> None:
        """Write the row of the image itself."""
        superblock = self.tree.image.superblock
        os_name, os_version = system_name(self.tree, lambda entry: self.text(entry, "image"))
        self.attempt.row(
            "image",
            raw=self.file.at(self.tree.image.base),
            path=as_in_rig(self.file.path, self.attempt.context.rig.path),
            sha256=self.file.sha256,
            size_bytes=self.file.size_bytes,
            format="squashfs 4.0",
            compression=superblock.compression,
            model=self.firmware.model,
            files=None if self.tree.problems else sum(entry.kind == "file" for entry in self.tree.entries.values()),
            os_name=os_name,
            os_version=os_version,
            created_at=superblock.created_at,
        )

    def packages(self) -> None:
        """Write the packages of every database in the image."""
        found = False
        for path, manager in _matching(self.tree, DATABASES):
            entry = self.tree.resolve(path)
            text = self.text(entry, "package", DATABASE_MAX) if entry is not None and entry.kind == "file" else None
            if entry is None or text is None:
                continue
            found = True
            packages, problems = read_packages(text, manager)
            self.partial(problems, path, "package")
            for package in packages:
                self.attempt.row(
                    "package",
                    f"package/{package.name}",
                    raw=self.cite(entry),
                    name=package.name,
                    version=package.version,
                    architecture=package.architecture,
                    manager=package.manager,
                    source=package.source,
                )
        for path, what in _matching(self.tree, NOT_READ):
            self.attempt.short(Outcome.NOT_SUPPORTED, f"{self.name}: {path}: {what} is not read", "package")
            found = True
        if not found:
            self.attempt.short(Outcome.NOT_SUPPORTED, f"{self.name}: the image holds no package database", "package")

    def accounts(self) -> None:
        """Write the accounts of every passwd and shadow in an etc folder, older copies (`passwd-`) among them."""
        places = {path.rpartition("/")[0] for path in self.tree.entries if path.rpartition("/")[2] in _ACCOUNT_FILES}
        for folder in sorted(place for place in places if place.rpartition("/")[2].startswith("etc")):
            for ending in ("", "-"):
                paths = [f"{folder}/{name}{ending}" for name in ("passwd", "shadow")]
                entries = [self.tree.resolve(path) for path in paths]
                texts = [self.text(entry, "image_account") if entry is not None and entry.kind == "file" else None for entry in entries]
                accounts, problems = read_accounts(*texts)
                self.partial(problems, folder, "image_account")
                for account in accounts:
                    entry = entries[account.in_shadow]
                    digest = keyed_digest(self.attempt.context.key, "password-hash", account.hash.encode()) if account.hash else None
                    self.attempt.row(
                        "image_account",
                        f"account/{account.name}",
                        raw=self.cite(entry) if entry else None,
                        name=account.name,
                        uid=account.uid,
                        state=account.state,
                        scheme=account.scheme,
                        digest=digest,
                        shell=account.shell,
                        path=paths[account.in_shadow],
                    )

    def files(self) -> None:
        """Write the files whose mode, place or purpose matters."""
        for entry, kind, detail in notable(self.tree):
            self.file_row(entry, kind, detail)
        for entry in authorized_keys(self.tree):
            text = self.text(entry, "image_file")
            count = sum(bool(line.strip()) and not line.startswith("#") for line in (text or "").splitlines())
            if count:
                self.file_row(entry, "authorized_keys", f"{count} {'key' if count == 1 else 'keys'}")
        for started in startup(self.tree, lambda entry: self.text(entry, "image_file")):
            self.file_row(started.entry, "startup", started.daemon)

    def file_row(self, entry: Entry, kind: str, detail: str | None) -> None:
        """Write one row of image_file."""
        self.attempt.row(
            "image_file",
            entry.path,
            raw=self.cite(entry),
            path=entry.path,
            kind=kind,
            mode=entry.octal,
            owner=entry.owner,
            detail=detail,
        )

    def keys(self) -> None:
        """Search every file for private keys; a file with several names is searched once."""
        files = [entry for entry in self.tree.entries.values() if entry.kind == "file" and entry.size]
        seen: set[int] = set()
        for done, entry in enumerate(files):
            if done % FILES_BETWEEN_REPORTS == 0:
                self.attempt.context.progress(self.name, done, len(files))
                if self.attempt.context.stop():
                    return
            if entry.reference in seen:
                continue
            seen.add(entry.reference)
            data = self.content(entry, "image_key", SCANNED_MAX)
            if entry.size > SCANNED_MAX:
                said = f"{self.name}: {entry.path}: only its first {SCANNED_MAX >> 20} MB were searched"
                self.attempt.short(Outcome.PARTIAL, said, "image_key")
            for key in find_keys(data or b""):
                if self.attempt.counts["image_key"] >= IMAGE_KEYS_MAX:
                    self.attempt.short(Outcome.PARTIAL, f"{self.name}: more than {IMAGE_KEYS_MAX} keys", "image_key")
                    return
                self.attempt.row(
                    "image_key",
                    entry.path,
                    raw=self.cite(entry),
                    path=entry.path,
                    key_type=key.key_type,
                    key_bits=key.key_bits,
                    encrypted=key.encrypted,
                    spki_sha256=key.spki_sha256,
                    offset=key.offset,
                    use=use_of(entry.path, data or b""),
                )

    def text(self, entry: Entry, table: str, most: int = TEXT_MAX) -> str | None:
        """Read a text file; one that is larger than a text may be, or cannot be read, makes the table partial."""
        if entry.size > most:
            self.partial([f"larger than {most >> 20} MB"], entry.path, table)
            return None
        data = self.content(entry, table, most)
        return None if data is None else data.decode("utf-8", "replace")

    def content(self, entry: Entry, table: str, most: int) -> bytes | None:
        """Read a file's first bytes; when it cannot be read, None, and the table is partial."""
        try:
            return self.tree.content(entry, most)
        except BudgetSpentError:
            raise
        except ProtocolError as error:
            self.partial([str(error)], entry.path, table)
            return None

    def partial(self, problems: Iterable[str], path: str, table: str) -> None:
        """Say what kept a table short."""
        for problem in problems:
            self.attempt.short(Outcome.PARTIAL, f"{self.name}: {path[:200]}: {problem}", table)

    def cite(self, entry: Entry) -> str:
        """Cite where an entry's bytes lie in the supplied file."""
        try:
            place = self.tree.image.place(self.tree.inode(entry))
        except BudgetSpentError:
            raise
        except ProtocolError:
            place = self.tree.image.base
        return self.file.at(place)


def _matching(tree: Tree, patterns: Iterable[tuple[re.Pattern[str], str]]) -> list[tuple[str, str]]:
    return [(path, word) for path in tree.entries for pattern, word in patterns if pattern.fullmatch(path)]
