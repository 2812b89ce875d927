"""What every file of an image is looked through for: keys, certificates, secrets of clouds, components' words, how programs were built.

Not the forms of those things (`keys`, `certificates`, `secrets`, `component_strings`, `ecosystems`, `elf`) and not the reading of files
(`scan`). Rules: keys and secrets leave as digests only (law 8); what one image may tell of a kind is capped, and the cap is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from plumbline.collect.certificates import describe
from plumbline.collect.firmware import certificates, component_strings, ecosystems, elf, secrets
from plumbline.collect.firmware.components import Components
from plumbline.collect.firmware.contents import Contents
from plumbline.collect.firmware.keys import DER_MAX, NEEDLE, find_keys, use_of
from plumbline.collect.firmware.needles import Hits
from plumbline.collect.firmware.said import shown
from plumbline.collect.firmware.scan import Seen
from plumbline.model.errors import ProtocolError

ROWS_MAX = 10_000  # of one kind in one image
NAME_MAX = 512  # characters of a certificate's name
_ITS_OWN = ("sha256", "spki_sha256", "not_before", "not_after", "key_type", "key_bits", "signature_hash", "self_signed", "ca")


class _Capped:
    """Rows of one table, each place once, and no more than ROWS_MAX."""

    def __init__(self, contents: Contents, table: str) -> None:
        self.contents = contents
        self.tables: tuple[str, ...] = (table,)
        self._seen: set[tuple[str, int]] = set()

    def wants(self, seen: Seen, offset: int) -> bool:
        """Take note of a place; False when it was told already, or too many were."""
        key = (seen.path, seen.start + offset)
        if key in self._seen:
            return False
        if len(self._seen) == ROWS_MAX:
            self.contents.fell_short([f"more than {ROWS_MAX} rows"], seen.path, *self.tables)
        self._seen.add(key)
        return len(self._seen) <= ROWS_MAX

    def place(self, seen: Seen, offset: int) -> int | None:
        """Give where a find is cited: a file by its place, bytes alone by the find's own."""
        if seen.entry is not None:
            return self.contents.place(seen.layer, seen.entry)
        return self.contents.spot(seen.layer, seen.start + offset)


class Keys(_Capped):
    """Private keys, into image_key."""

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents, "image_key")

    def needles(self) -> Iterable[bytes]:
        """What stands in every key in text."""
        return (NEEDLE,)

    def look(self, seen: Seen, hits: Hits) -> None:
        """Write the keys of a file; keys in binary form only where they are the whole file."""
        if NEEDLE not in hits and (seen.entry is None or len(seen.data) > DER_MAX):
            return
        for key in find_keys(seen.data):
            if self.wants(seen, key.offset):
                self.contents.row(
                    "image_key",
                    seen.path,
                    at=self.place(seen, key.offset),
                    path=seen.path,
                    key_type=key.key_type,
                    key_bits=key.key_bits,
                    encrypted=key.encrypted,
                    spki_sha256=key.spki_sha256,
                    offset=seen.start + key.offset,
                    use=use_of(seen.path, seen.data),
                )


class Certificates(_Capped):
    """Certificates, into image_certificate; of stores of trusted authorities each once."""

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents, "image_certificate")
        self._trusted: set[str] = set()

    def needles(self) -> Iterable[bytes]:
        """What stands in every certificate in text."""
        return (certificates.NEEDLE,)

    def look(self, seen: Seen, hits: Hits) -> None:
        """Write the certificates of a file; those in binary form only where they are the whole file."""
        if certificates.NEEDLE not in hits and (seen.entry is None or len(seen.data) > certificates.DER_MAX):
            return
        problem = None
        for number, (offset, der) in enumerate(certificates.find_certificates(seen.data)):
            if number == certificates.CERTIFICATES_MAX:
                problem = f"more than {number} certificates"
                break
            try:
                self._write(seen, offset, number, describe(der))
            except ProtocolError as error:
                if certificates.NEEDLE in hits:  # what is binary may be anything else
                    problem = str(error)
        if problem is not None:
            self.contents.fell_short([problem], seen.path, *self.tables)

    def _write(self, seen: Seen, offset: int, number: int, said: dict[str, Any]) -> None:
        store = certificates.is_store(seen.path)
        if (store and said["sha256"] in self._trusted) or not self.wants(seen, offset):
            return
        if store:
            self._trusted.add(said["sha256"])
        self.contents.row(
            "image_certificate",
            f"{seen.path}#{number}" if number else seen.path,
            at=self.place(seen, offset),
            path=seen.path,
            offset=seen.start + offset,
            subject_name=shown(said["subject_name"], NAME_MAX),
            issuer_name=shown(said["issuer_name"], NAME_MAX),
            trust_store=store,
            embedded=seen.entry is None or not (seen.is_text or offset == 0),
            **{name: said[name] for name in _ITS_OWN},
        )


class Secrets(_Capped):
    """Connection strings, access keys and tokens, into image_secret."""

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents, "image_secret")

    def needles(self) -> Iterable[bytes]:
        """What stands in each form."""
        return secrets.needles()

    def look(self, seen: Seen, hits: Hits) -> None:
        """Write the secrets of a file."""
        if any(len(hits.get(needle, ())) > secrets.HITS_MAX for needle in self.needles()):
            self.contents.fell_short([f"only the first {secrets.HITS_MAX} places like a secret were looked at"], seen.path, *self.tables)
        for found in secrets.find(seen.data, hits):
            if self.wants(seen, found.offset):
                self.contents.row(
                    "image_secret",
                    seen.path,
                    at=self.place(seen, found.offset),
                    path=seen.path,
                    kind=found.kind,
                    service=found.service,
                    offset=seen.start + found.offset,
                    digest=self.contents.digest(f"secret-{found.kind}", found.secret),
                )


class Words:
    """What programs say to hold, and what Go's were built of, into component."""

    tables: tuple[str, ...] = ("component",)

    def __init__(self, contents: Contents, components: Components) -> None:
        self._contents = contents
        self._components = components

    def needles(self) -> Iterable[bytes]:
        """Those of all components, and Go's mark."""
        yield from component_strings.needles()
        yield ecosystems.GO_NEEDLE

    def look(self, seen: Seen, hits: Hits) -> None:
        """Write what a program, or bytes alone, say; texts only speak of others."""
        if seen.entry is not None:
            self._components.said(seen.layer, seen.entry, list(component_strings.said_by_name(seen.entry.name)))
        if seen.is_text:
            return
        name = seen.entry.name if seen.entry is not None else ""
        self._components.said(seen.layer, seen.entry, component_strings.said(seen.data, hits, name), seen.start)
        for at in hits.get(ecosystems.GO_NEEDLE, ())[:1] if seen.entry is not None else ():
            try:
                modules = ecosystems.read_go(seen.data, at - 1)
            except ProtocolError:
                continue  # the mark alone stands in Go's own tools
            assert seen.entry is not None
            self._components.modules(seen.layer, seen.entry, modules)


class Programs(_Capped):
    """How programs and libraries were built, into image_program."""

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents, "image_program")

    def needles(self) -> Iterable[bytes]:
        """None: a program is told by its beginning."""
        return ()

    def look(self, seen: Seen, hits: Hits) -> None:  # noqa: ARG002 - an inspector gets them
        """Write the row of a program."""
        if seen.entry is None or not seen.data.startswith(elf.MAGIC) or len(seen.data) < elf.HEADER_MIN:
            return
        try:
            program = elf.read_program(seen.data)
        except ProtocolError as error:
            self.contents.fell_short([str(error)], seen.path, *self.tables)
            return
        if program is not None and self.wants(seen, 0):
            self.contents.row_of(
                "image_program",
                seen.layer,
                seen.entry,
                kind=program.kind,
                architecture=program.architecture,
                bits=program.bits,
                static=program.static,
                fixed_address=not program.pie,
                executable_stack=not program.nx,
                relro=program.relro,
                stack_protector=program.protected,
                fortified=program.fortified,
                search_path=program.rpath,
                stripped=program.stripped,
            )
