"""Reads one image into rows: its layers, then what stands in the files of each tree. Runs in the worker process (`worker`).

Not the formats and not the evidence: rows leave through a `Sink`. Rules: nothing of an image is run or written; a part that cannot be read
makes the tables that depend on it `partial`; keys and hashes leave as digests only (law 8).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from plumbline.collect.firmware.accounts import read_accounts
from plumbline.collect.firmware.keys import find_keys, use_of
from plumbline.collect.firmware.notable import authorized_keys, notable
from plumbline.collect.firmware.packages import DATABASES, NOT_READ, read_packages
from plumbline.collect.firmware.release import system_name
from plumbline.collect.firmware.source import Budget, BudgetSpentError, Source
from plumbline.collect.firmware.startup import startup
from plumbline.collect.firmware.tree import Entry, Tree
from plumbline.collect.firmware.unpack import Layer, State, unpack
from plumbline.model.errors import ProtocolError
from plumbline.model.words import Outcome
from plumbline.rig.secrets import keyed_digest

TABLES = ("image", "image_part", "image_signature", "component", "image_key", "image_account", "image_file")
CONTENT_TABLES = ("component", "image_key", "image_account", "image_file")  # of the files in trees
DATABASE_MAX = 64 << 20
TEXT_MAX = 1 << 20
SCANNED_MAX = 64 << 20  # bytes of one file that are searched for keys
IMAGE_KEYS_MAX = 10_000
FILES_BETWEEN_REPORTS = 500
_ACCOUNT_FILES = frozenset({"passwd", "shadow", "passwd-", "shadow-"})


class Sink(Protocol):
    """Where rows go. `at` is the offset in the supplied file that a row is cited by; None: the file as a whole."""

    def row(self, table: str, subject: str = "", *, at: int | None = None, **columns: Any) -> None:
        """Take one row."""
        ...

    def short(self, outcome: Outcome, detail: str, *tables: str) -> None:
        """Take what kept some tables short, or all of them."""
        ...

    def progress(self, done: int, total: int) -> None:
        """Hear how far it is."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reading is told of its image: how the rig file calls it, its digest, the declared model, and the rig's key."""

    path: str
    sha256: str
    size_bytes: int
    model: str | None
    key: bytes

    @property
    def name(self) -> str:
        """Its last component, for messages."""
        return self.path.rpartition("/")[2]


class Reading:
    """One image on its way into rows."""

    def __init__(self, asked: Asked, sink: Sink) -> None:
        self.asked = asked
        self.sink = sink
        self.name = asked.name
        self.layers: list[Layer] = []
        self.counts: dict[str, int] = {}

    def run(self, source: Source, budget: Budget) -> None:
        """Open every layer, then read one table after the other."""
        self.layers, problems = unpack(source, budget)
        for problem in problems:
            self.sink.short(Outcome.PARTIAL, f"{self.name}: {problem}")
        self._say_unopened()
        for layer in self.trees():
            for problem in layer.tree.problems if layer.tree else ():
                self.sink.short(Outcome.PARTIAL, f"{self.name}: {self.shown(layer, '')}{problem}", "image", *CONTENT_TABLES)
        steps: tuple[tuple[str, Callable[[], None]], ...] = (
            ("image", self.image),
            ("image_part", self.parts),
            ("image_signature", self.signatures),
            ("component", self.components),
            ("image_account", self.accounts),
            ("image_file", self.files),
            ("image_key", self.keys),  # last: it reads every file, and may spend the budget
        )
        for table, step in steps:
            try:
                step()
            except BudgetSpentError as error:
                self.sink.short(Outcome.PARTIAL, f"{self.name}: {error}", table)

    def trees(self) -> list[Layer]:
        """The layers that hold files, the root file system first."""
        held = [layer for layer in self.layers if layer.tree is not None]
        return sorted(held, key=lambda layer: -len(layer.tree.entries) if layer.tree else 0)

    def shown(self, layer: Layer, path: str) -> str:
        """Show a path of a layer's tree: as it is in the first tree, else behind the way to its layer."""
        return path if not layer.path or layer is self.trees()[0] else f"{layer.path}!{path}"

    def _say_unopened(self) -> None:
        """What was not opened may hold anything: whatever is said of contents is partial, or nothing at all."""
        if not self.trees():
            outer = self.layers[0]
            said = outer.problem or (f"{outer.kind}: is not read" if outer.kind else "holds no files that could be read")
            said = said if outer.source.size else "the file is empty"
            broken = outer.state is State.BROKEN or not outer.source.size
            unsigned = () if outer.state is State.OPENED else ("image_signature",)
            outcome = Outcome.PROTOCOL_ERROR if broken else Outcome.NOT_SUPPORTED
            self.sink.short(outcome, f"{self.name}: {said}", *CONTENT_TABLES, *unsigned)
            if broken:
                self.sink.short(outcome, f"{self.name}: {said}")
            return
        for layer in self.layers:
            if layer.state is State.OPENED or layer.role in ("dtb", "script"):
                continue
            if layer.state is State.UNKNOWN and any(other.path.startswith(layer.below("@")) for other in self.layers):
                continue  # a vendor's header around something that was found
            what = layer.format.title if layer.format else layer.kind or "data of no known kind"
            said = f"{self.name}: {layer.path or 'its start'}: {what}{f': {layer.problem}' if layer.problem else ''}"
            self.sink.short(Outcome.PARTIAL, f"{said} was not opened", "image_key", "component")

    def row(self, table: str, subject: str = "", *, at: int | None = None, **columns: Any) -> None:
        """Write a row, and count it."""
        self.counts[table] = self.counts.get(table, 0) + 1
        self.sink.row(table, subject, at=at, **columns)

    def image(self) -> None:
        """Write the row of the image itself."""
        outer, trees = self.layers[0], self.trees()
        named = [system_name(layer.tree, partial(self.text, layer, table="image")) for layer in trees if layer.tree]
        os_name, os_version = next((pair for pair in named if any(pair)), (None, None))
        whole = not any(layer.tree.problems for layer in trees if layer.tree)
        first = trees[0] if trees else outer
        created = next((at for layer in (outer, first) if layer.opened and (at := layer.opened.header.created_at)), None)
        self.row(
            "image",
            at=first.source.place or 0,
            path=self.asked.path,
            sha256=self.asked.sha256,
            size_bytes=self.asked.size_bytes,
            format=outer.format.title if outer.format else first.format.title if first.format else None,
            compression=first.opened.compression if first.opened else None,
            model=self.asked.model,
            files=sum(e.kind == "file" for layer in trees if layer.tree for e in layer.tree.entries.values()) if whole and trees else None,
            os_name=os_name,
            os_version=os_version,
            created_at=created,
        )

    def parts(self) -> None:
        """Write a row for each layer."""
        for layer in self.layers:
            header = layer.opened.header if layer.opened else None
            self.row(
                "image_part",
                f"part/{layer.path}" if layer.path else "part",
                at=layer.source.place,
                path=layer.path,
                format=layer.format.id if layer.format else None,
                title=layer.format.title if layer.format else layer.kind,
                state=layer.state.value,
                problem=layer.problem,
                role=layer.role,
                offset=layer.source.place,
                size_bytes=layer.source.size,
                compression=layer.opened.compression if layer.opened else None,
                entropy=layer.entropy,
                files=sum(e.kind == "file" for e in layer.tree.entries.values()) if layer.tree else None,
                encrypted=header.encrypted if header else None,
                name=header.name if header else None,
                vendor=header.vendor if header else None,
                product=header.product if header else None,
                version=header.version if header else None,
                hardware=list(header.hardware) if header else None,
                architecture=header.architecture if header else None,
                security_version=header.security_version if header else None,
                checksum_ok=header.checksum if header else None,
                created_at=header.created_at if header else None,
                facts=[f"{name}={value}" for name, value in sorted(header.facts.items())] if header else None,
            )

    def signatures(self) -> None:
        """Write a row for each signature that a format carries."""
        for layer in self.layers:
            for number, signature in enumerate(layer.opened.signatures if layer.opened else ()):
                self.row(
                    "image_signature",
                    f"signature/{layer.path}#{number}" if layer.path else f"signature/#{number}",
                    at=layer.source.place,
                    path=layer.path,
                    scheme=signature.scheme,
                    algorithm=signature.algorithm,
                    key_bits=signature.key_bits,
                    digest=signature.digest,
                    covers=signature.covers,
                    key_sha256=signature.key_sha256,
                    verified=signature.verified,
                )

    def components(self) -> None:
        """Write the packages of every database in the image."""
        found = False
        for layer, tree in self._each():
            for path, manager in _matching(tree, DATABASES):
                entry = tree.resolve(path)
                text = self.text(layer, entry, "component", DATABASE_MAX) if entry is not None and entry.kind == "file" else None
                if entry is None or text is None:
                    continue
                found = True
                packages, problems = read_packages(text, manager)
                self.fell_short(problems, self.shown(layer, path), "component")
                for package in packages:
                    self.row(
                        "component",
                        f"component/{package.name}",
                        at=self.place(layer, entry),
                        name=package.name,
                        version=package.version,
                        architecture=package.architecture,
                        manager=package.manager,
                        source=package.source,
                        confidence="database",
                        path=self.shown(layer, path),
                    )
            for path, what in _matching(tree, NOT_READ):
                self.sink.short(Outcome.NOT_SUPPORTED, f"{self.name}: {self.shown(layer, path)}: {what} is not read", "component")
                found = True
        if not found and self.trees():
            self.sink.short(Outcome.NOT_SUPPORTED, f"{self.name}: the image holds no package database", "component")

    def accounts(self) -> None:
        """Write the accounts of every passwd and shadow in an etc folder, older copies (`passwd-`) among them."""
        for layer, tree in self._each():
            places = {path.rpartition("/")[0] for path in tree.entries if path.rpartition("/")[2] in _ACCOUNT_FILES}
            for folder in sorted(place for place in places if place.rpartition("/")[2].startswith("etc")):
                for ending in ("", "-"):
                    self._accounts_of(layer, tree, [f"{folder}/{name}{ending}" for name in ("passwd", "shadow")])

    def _accounts_of(self, layer: Layer, tree: Tree, paths: list[str]) -> None:
        entries = [tree.resolve(path) for path in paths]
        texts = [self.text(layer, entry, "image_account") if entry is not None and entry.kind == "file" else None for entry in entries]
        accounts, problems = read_accounts(*texts)
        self.fell_short(problems, self.shown(layer, paths[0]), "image_account")
        for account in accounts:
            entry = entries[account.in_shadow]
            digest = keyed_digest(self.asked.key, "password-hash", account.hash.encode()) if account.hash else None
            self.row(
                "image_account",
                f"account/{account.name}",
                at=self.place(layer, entry) if entry else None,
                name=account.name,
                uid=account.uid,
                state=account.state,
                scheme=account.scheme,
                digest=digest,
                shell=account.shell,
                path=self.shown(layer, paths[account.in_shadow]),
            )

    def files(self) -> None:
        """Write the files whose mode, place or purpose matters."""
        for layer, tree in self._each():
            for entry, kind, detail in notable(tree):
                self.file_row(layer, entry, kind, detail)
            for entry in authorized_keys(tree):
                text = self.text(layer, entry, "image_file")
                count = sum(bool(line.strip()) and not line.startswith("#") for line in (text or "").splitlines())
                if count:
                    self.file_row(layer, entry, "authorized_keys", f"{count} {'key' if count == 1 else 'keys'}")
            for started in startup(tree, partial(self.text, layer, table="image_file")):
                self.file_row(layer, started.entry, "startup", started.daemon)

    def file_row(self, layer: Layer, entry: Entry, kind: str, detail: str | None) -> None:
        """Write one row of image_file."""
        path = self.shown(layer, entry.path)
        columns = {"path": path, "kind": kind, "mode": entry.octal, "owner": entry.owner, "detail": detail}
        self.row("image_file", path, at=self.place(layer, entry), **columns)

    def keys(self) -> None:
        """Search every file for private keys; a file with several names is searched once."""
        every = [(layer, entry) for layer, tree in self._each() for entry in tree.entries.values() if entry.kind == "file" and entry.size]
        seen: set[tuple[int, Any]] = set()
        for done, (layer, entry) in enumerate(every):
            if done % FILES_BETWEEN_REPORTS == 0:
                self.sink.progress(done, len(every))
            if (id(layer), entry.reference) in seen:
                continue
            seen.add((id(layer), entry.reference))
            data = self.content(layer, entry, "image_key", SCANNED_MAX)
            path = self.shown(layer, entry.path)
            if entry.size > SCANNED_MAX:
                said = f"{self.name}: {path}: only its first {SCANNED_MAX >> 20} MB were searched"
                self.sink.short(Outcome.PARTIAL, said, "image_key")
            for key in find_keys(data or b""):
                if self.counts.get("image_key", 0) >= IMAGE_KEYS_MAX:
                    self.sink.short(Outcome.PARTIAL, f"{self.name}: more than {IMAGE_KEYS_MAX} keys", "image_key")
                    return
                self.row(
                    "image_key",
                    path,
                    at=self.place(layer, entry),
                    path=path,
                    key_type=key.key_type,
                    key_bits=key.key_bits,
                    encrypted=key.encrypted,
                    spki_sha256=key.spki_sha256,
                    offset=key.offset,
                    use=use_of(entry.path, data or b""),
                )

    def text(self, layer: Layer, entry: Entry, table: str, most: int = TEXT_MAX) -> str | None:
        """Read a text file; one that is larger than a text may be, or cannot be read, makes the table partial."""
        if entry.size > most:
            self.fell_short([f"larger than {most >> 20} MB"], self.shown(layer, entry.path), table)
            return None
        data = self.content(layer, entry, table, most)
        return None if data is None else data.decode("utf-8", "replace")

    def content(self, layer: Layer, entry: Entry, table: str, most: int) -> bytes | None:
        """Read a file's first bytes; when it cannot be read, None, and the table is partial."""
        assert layer.tree is not None  # entries come from trees
        try:
            return layer.tree.content(entry, most)
        except BudgetSpentError:
            raise
        except ProtocolError as error:
            self.fell_short([str(error)], self.shown(layer, entry.path), table)
            return None

    def fell_short(self, problems: Iterable[str], path: str, table: str) -> None:
        """Say what kept a table short."""
        for problem in problems:
            self.sink.short(Outcome.PARTIAL, f"{self.name}: {path[:200]}: {problem}", table)

    def place(self, layer: Layer, entry: Entry) -> int | None:
        """Give the offset of an entry's bytes in the supplied file, or that of its layer, where that lies in the file at all."""
        assert layer.tree is not None  # entries come from trees
        if layer.source.place is None:
            return self._outside(layer)
        try:
            inside = layer.tree.files.place(layer.tree.inode(entry))
        except BudgetSpentError:
            raise
        except ProtocolError:
            inside = None
        return layer.source.place + (inside or 0)

    def _outside(self, layer: Layer) -> int | None:
        """Give the place of the nearest layer around one that was decompressed."""
        around = [
            other for other in self.layers if other is not layer and layer.path.startswith(other.path) and other.source.place is not None
        ]
        return max(around, key=lambda other: len(other.path)).source.place if around else None

    def _each(self) -> Iterator[tuple[Layer, Tree]]:
        return ((layer, layer.tree) for layer in self.trees() if layer.tree is not None)


def _matching(tree: Tree, patterns: Iterable[tuple[re.Pattern[str], str]]) -> list[tuple[str, str]]:
    return [(path, word) for path in tree.entries for pattern, word in patterns if pattern.fullmatch(path)]
