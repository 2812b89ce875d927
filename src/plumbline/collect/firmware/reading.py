"""Reads one image into rows: its layers, then what stands in the files of each tree. Runs in the worker process (`worker`).

Not the formats and not the evidence: rows leave through a `Sink`. Rules: nothing of an image is run or written; a part that cannot be read
makes the tables that depend on it `partial`; keys and hashes leave as digests only (law 8).
"""

from __future__ import annotations

from collections.abc import Callable

from plumbline.collect.firmware.accounts import read_accounts
from plumbline.collect.firmware.components import Components
from plumbline.collect.firmware.contents import Asked, Contents, Sink
from plumbline.collect.firmware.inspectors import Certificates, Keys, Programs, Secrets, Words
from plumbline.collect.firmware.kernels import Kernels
from plumbline.collect.firmware.notable import authorized_keys, notable
from plumbline.collect.firmware.release import system_name
from plumbline.collect.firmware.scan import scan
from plumbline.collect.firmware.source import Budget, BudgetSpentError, Source
from plumbline.collect.firmware.startup import Started, startup
from plumbline.collect.firmware.tree import Entry, Tree
from plumbline.collect.firmware.unblob import Unblob
from plumbline.collect.firmware.unpack import Layer, State, unpack
from plumbline.collect.firmware.update_clients import Client, clients
from plumbline.model.words import Outcome

OUTER_TABLES = ("image", "image_part", "image_signature")
# From what every file is looked through for.
SCANNED_TABLES = ("component", "image_key", "image_certificate", "image_secret", "image_program")
HIDDEN_TABLES = (*SCANNED_TABLES, "image_kernel")  # of what may lie in any part that was not opened, be it no tree of files
CONTENT_TABLES = (*HIDDEN_TABLES, "image_account", "image_file", "image_update")  # of the files in trees
TABLES = (*OUTER_TABLES, *CONTENT_TABLES)
_ACCOUNT_FILES = frozenset({"passwd", "shadow", "passwd-", "shadow-"})


class Reading:
    """One image on its way into rows."""

    def __init__(self, asked: Asked, sink: Sink) -> None:
        self.asked = asked
        self.sink = sink
        self.layers: list[Layer] = []
        self.contents = Contents(asked, sink, self.layers)

    def run(self, source: Source, budget: Budget, unblob: Unblob | None = None) -> None:
        """Open every layer, then read one table after the other."""
        layers, problems = unpack(source, budget, unblob=unblob)
        self.layers.extend(layers)
        for problem in problems:
            self.sink.short(Outcome.PARTIAL, f"{self.asked.name}: {problem}")
        self._say_unopened()
        for layer, tree in self.contents.trees:
            self.contents.fell_short(tree.problems, self.contents.shown(layer, ""), "image", *CONTENT_TABLES)
        components = Components(self.contents)
        steps: tuple[tuple[tuple[str, ...], Callable[[], None]], ...] = (
            (("image",), self.image),
            (("image_part",), self.parts),
            (("image_signature",), self.signatures),
            (("component",), components.packages),
            (("component",), components.kernels),
            (("image_kernel",), Kernels(self.contents).write),
            (("image_account",), self.accounts),
            (("image_file",), self.files),
            (("image_update",), self.updates),
            (SCANNED_TABLES, lambda: self.scan(components)),  # last: it reads every file, and may spend the budget
        )
        for tables, step in steps:
            try:
                step()
            except BudgetSpentError as error:
                self.sink.short(Outcome.PARTIAL, f"{self.asked.name}: {error}", *tables)

    def _say_unopened(self) -> None:
        """What was not opened may hold anything: whatever is said of contents is partial, or nothing at all."""
        if not self.contents.trees:
            outer = self.layers[0]
            said = self._why_no_files(outer) if outer.source.size else "the file is empty"
            broken = outer.state is State.BROKEN or not outer.source.size
            unsigned = () if outer.state is State.OPENED else ("image_signature",)
            outcome = Outcome.PROTOCOL_ERROR if broken else Outcome.NOT_SUPPORTED
            self.sink.short(outcome, f"{self.asked.name}: {said}", *CONTENT_TABLES, *unsigned)
            if broken:
                self.sink.short(outcome, f"{self.asked.name}: {said}")
            return
        for layer in self.layers:
            if layer.state is State.OPENED or layer.role in ("dtb", "script"):
                continue
            if layer.state is State.UNKNOWN and any(other.path.startswith(layer.below("@")) for other in self.layers):
                continue  # a vendor's header around something that was found
            said = f"{self.asked.name}: {layer.path or 'its start'}: {layer.described()}{f': {layer.problem}' if layer.problem else ''}"
            self.sink.short(Outcome.PARTIAL, f"{said}; it was not opened", *(CONTENT_TABLES if layer.may_hold_files else HIDDEN_TABLES))

    def _why_no_files(self, outer: Layer) -> str:
        """Say why no files were found in the whole image."""
        if outer.problem:
            return outer.problem
        sealed = [layer for layer in self.layers if layer.opened is not None and layer.opened.header.encrypted]
        if sealed:
            return f"{sealed[0].path or 'it'} says that it is encrypted: no files could be read"
        closed = [layer for layer in self.layers if layer.state is not State.OPENED]
        unread = max(closed, key=lambda layer: layer.source.size, default=None)
        if unread is None:
            return "holds no files"
        return f"holds no files that could be read: {unread.path or 'all of it'}: {unread.described()}"

    def image(self) -> None:
        """Write the row of the image itself."""
        outer, trees = self.layers[0], self.contents.trees
        named = [system_name(tree, self.contents.reader(layer, "image")) for layer, tree in trees]
        os_name, os_version = next((pair for pair in named if any(pair)), (None, None))
        whole = bool(trees) and not any(tree.problems for _, tree in trees)
        first = trees[0][0] if trees else outer
        created = next((at for layer in (outer, first) if layer.opened and (at := layer.opened.header.created_at)), None)
        self.contents.row(
            "image",
            at=first.source.place or 0,
            path=self.asked.path,
            sha256=self.asked.sha256,
            size_bytes=self.asked.size_bytes,
            format=outer.format.title if outer.format else first.format.title if first.format else None,
            compression=first.opened.compression if first.opened else None,
            model=self.asked.model,
            files=sum(e.kind == "file" for _, tree in trees for e in tree.entries.values()) if whole else None,
            os_name=os_name,
            os_version=os_version,
            created_at=created,
        )

    def parts(self) -> None:
        """Write a row for each layer."""
        for layer in self.layers:
            header = layer.opened.header if layer.opened else None
            self.contents.row(
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
                self.contents.row(
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

    def accounts(self) -> None:
        """Write the accounts of every passwd and shadow in an etc folder, older copies (`passwd-`) among them."""
        for layer, tree in self.contents.trees:
            places = {path.rpartition("/")[0] for path in tree.entries if path.rpartition("/")[2] in _ACCOUNT_FILES}
            for folder in sorted(place for place in places if place.rpartition("/")[2].startswith("etc")):
                for ending in ("", "-"):
                    self._accounts_of(layer, tree, [f"{folder}/{name}{ending}" for name in ("passwd", "shadow")])

    def _accounts_of(self, layer: Layer, tree: Tree, paths: list[str]) -> None:
        entries = [tree.resolve(path) for path in paths]
        texts = [
            self.contents.text(layer, entry, "image_account") if entry is not None and entry.kind == "file" else None for entry in entries
        ]
        accounts, problems = read_accounts(*texts)
        self.contents.fell_short(problems, self.contents.shown(layer, paths[0]), "image_account")
        for account in accounts:
            entry = entries[account.in_shadow]
            digest = self.contents.digest("password-hash", account.hash.encode()) if account.hash else None
            self.contents.row(
                "image_account",
                f"account/{account.name}",
                at=self.contents.place(layer, entry) if entry else None,
                name=account.name,
                uid=account.uid,
                state=account.state,
                scheme=account.scheme,
                digest=digest,
                shell=account.shell,
                path=self.contents.shown(layer, paths[account.in_shadow]),
            )

    def files(self) -> None:
        """Write the files whose mode, place or purpose matters."""
        for layer, tree in self.contents.trees:
            for entry, kind, detail in notable(tree):
                self.file_row(layer, entry, kind, detail)
            for entry in authorized_keys(tree):
                text = self.contents.text(layer, entry, "image_file")
                count = sum(bool(line.strip()) and not line.startswith("#") for line in (text or "").splitlines())
                if count:
                    self.file_row(layer, entry, "authorized_keys", f"{count} {'key' if count == 1 else 'keys'}")
            for started in startup(tree, self.contents.reader(layer, "image_file")):
                if not isinstance(started, Started):
                    self.contents.fell_short([started], self.contents.shown(layer, ""), "image_file")
                    continue
                self.file_row(layer, started.entry, "startup", started.daemon)

    def file_row(self, layer: Layer, entry: Entry, kind: str, detail: str | None) -> None:
        """Write one row of image_file."""
        self.contents.row_of("image_file", layer, entry, kind=kind, mode=entry.octal, owner=entry.owner, detail=detail)

    def updates(self) -> None:
        """Write the update clients whose settings are there."""
        for layer, tree in self.contents.trees:
            for found in clients(tree, self.contents.reader(layer, "image_update")):
                if not isinstance(found, Client):
                    self.contents.fell_short([found[1]], self.contents.shown(layer, found[0].path), "image_update")
                    continue
                self.contents.row_of(
                    "image_update",
                    layer,
                    found.entry,
                    f"update/{found.name}",
                    client=found.name,
                    keys=len(found.keys),
                    key_paths=list(found.keys),
                    missing_keys=sum(tree.resolve(path) is None for path in found.keys),
                    servers=list(found.servers),
                    in_clear=found.in_clear,
                )

    def scan(self, components: Components) -> None:
        """Look every file through."""
        contents = self.contents
        found = (Keys(contents), Certificates(contents), Secrets(contents), Words(contents, components), Programs(contents))
        scan(contents, found)
