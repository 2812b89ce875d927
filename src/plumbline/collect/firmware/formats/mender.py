"""Mender artifacts, versions 2 and 3: a tar archive of a manifest, its signature, a header and payloads, each a tar archive itself.

Rules: every digest of the manifest is computed anew, of payload files when they are decompressed, as the manifest has it; the signature is
told and not tried, because no artifact brings its key. What stands in no manifest is said.

| member | what | Mender, Documentation/artifact-format-v3.md |
|---|---|---|
| version | `{"format": "mender", "version": 3}`; first | "version" |
| manifest | lines `sha256  name` | "manifest" |
| manifest.sig | base64 of an RSA or ECDSA signature over the manifest | "manifest.sig" |
| manifest-augment | the same lines, not signed | "manifest-augment" |
| header.tar, .gz, .xz, .zst | header-info, scripts, headers/NNNN/type-info | "header.tar.gz" |
| data/NNNN.tar, ... | the files of one payload | "data" |

| header-info | meaning |
|---|---|
| payloads[].type (version 2: updates) | which update module takes it |
| artifact_provides.artifact_name, .artifact_group (artifact_name) | |
| artifact_depends.device_type (device_types_compatible) | devices that it is for |
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from plumbline.collect.firmware.digests import digest
from plumbline.collect.firmware.format import Format, Header, Opened, Part, Signature
from plumbline.collect.firmware.said import setting, shown
from plumbline.collect.firmware.source import Budget, Source
from plumbline.collect.firmware.streams import Stream
from plumbline.collect.firmware.tar_reading import TarReader
from plumbline.collect.json_text import int_of, list_of, object_of, parse, text_of
from plumbline.model.errors import ProtocolError

MAGIC = b"version" + bytes(93)  # the name of the first member, whose field has 100 bytes
TEXT_MAX = 1 << 20
MEMBERS_MAX = 256
FILES_MAX = 4096
FACTS_MAX = 32
_COMPRESSIONS = {"": None, ".gz": "gzip", ".xz": "xz", ".zst": "zstd", ".lzma": "lzma"}
_INNER = re.compile(r"(?P<stem>header|header-augment|data/\d{4})\.tar(?P<ending>\.gz|\.xz|\.zst|\.lzma|)")
_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](.{1,1024})")
_KEYS = {64: ("ecdsa", 256), 96: ("ecdsa", 384), 256: ("rsa", 2048), 384: ("rsa", 3072), 512: ("rsa", 4096)}  # by the signature's size


def _recognises(source: Source) -> bool:
    head = source.some(512, 512)
    return b'"mender"' in head and b'"format"' in head


class _Artifact:
    """One artifact on its way into what is told of it."""

    def __init__(self, source: Source, budget: Budget) -> None:
        self.budget = budget
        self.size = source.size
        self.reader = TarReader(source)
        self.members: dict[str, Source] = {}
        for entry in self.reader.entries():
            if len(self.members) >= MEMBERS_MAX:
                raise ProtocolError(f"more than {MEMBERS_MAX} members in an artifact")
            if entry.kind == "file":
                self.members.setdefault(entry.name.decode("utf-8", "backslashreplace"), entry.data)
        self.problems = list(self.reader.problems)
        self.found: dict[str, bytes] = {}  # sha256 by the names that a manifest uses
        self.parts: list[Part] = []
        self.facts: dict[str, str] = {}

    def opened(self) -> Opened:
        """Read all members; raises ProtocolError when it is no artifact."""
        version = int_of(object_of(parse(self._text("version"))).get("version"))
        if version not in (2, 3):
            raise ProtocolError(f"Mender artifact of version {version}; 2 and 3 are read")
        header = Header()
        for name, data in self.members.items():
            match = _INNER.fullmatch(name)
            if match is None or match["stem"].startswith("header"):
                self.found[name] = self._digest(data)
            if match is not None:
                header = self._inner(match, data, header)
        held = self._hold()
        signature = self.members.get("manifest.sig")
        signatures = (self._signature(signature),) if signature is not None else ()
        header = Header(
            version=header.version,
            name=header.name,
            hardware=header.hardware,
            checksum=held,
            facts={"artifact_version": str(version), **header.facts, **self.facts},
        )
        return Opened(header, tuple(self.parts), signatures=signatures, size=min(self.reader.end, self.size), problems=tuple(self.problems))

    def _digest(self, data: Source) -> bytes:
        self.budget.pay(data.size)  # a tar may hold holes of any size
        return digest(data, "sha256")

    def _text(self, name: str) -> bytes:
        data = self.members.get(name)
        if data is None or data.size > TEXT_MAX:
            raise ProtocolError(f"an artifact without {name}, or with too large a one")
        return data.read(0, data.size)

    def _inner(self, match: re.Match[str], data: Source, header: Header) -> Header:
        """Read one of the archives inside; gives the header as it is known then."""
        compression = _COMPRESSIONS[match["ending"]]
        if compression is not None:
            stream = Stream(data, compression)
            data = self.budget.keep(stream.pieces())
            if stream.problem:
                self.problems.append(f"{match[0]}: {stream.problem}")
        reader, files = TarReader(data), dict[str, Source]()
        for entry in reader.entries():
            if len(files) >= FILES_MAX:
                raise ProtocolError(f"more than {FILES_MAX} files in {match[0]}")
            if entry.kind == "file":
                files[entry.name.decode("utf-8", "backslashreplace").removeprefix("./")] = entry.data
        self.problems += [f"{match[0]}: {problem}" for problem in reader.problems]
        if match["stem"] == "header":
            return self._header(files)
        if match["stem"].startswith("data/"):
            self.parts.append(Part(f"{match['stem']}.tar", data, "payload"))
            self.found |= {f"{match['stem']}/{name}": self._digest(file) for name, file in files.items()}
        return header

    def _header(self, files: dict[str, Source]) -> Header:
        """Read what the header says, and give its scripts as parts."""
        info = _json(files.get("header-info"))
        provides, depends = object_of(info.get("artifact_provides")), object_of(info.get("artifact_depends"))
        payloads = list_of(info.get("payloads")) or list_of(info.get("updates"))
        types = [text for each in payloads[:FACTS_MAX] if (text := shown(text_of(object_of(each).get("type")) or ""))]
        facts = {"payloads": " ".join(types), "scripts": " ".join(name for name in files if name.startswith("scripts/"))}
        if group := text_of(provides.get("artifact_group")):
            facts["group"] = group
        version = None
        for name, file in files.items():
            if name.startswith("scripts/"):
                self.parts.append(Part(shown(name) or "script", file, "script"))
            elif name.endswith("/type-info"):
                said = dict(_flat(_json(file), ("artifact_provides", "artifact_depends")))
                facts |= dict(list(said.items())[:FACTS_MAX])
                version = version or next((text for key, text in said.items() if key.endswith(".version")), None)
        devices = list_of(depends.get("device_type")) or list_of(info.get("device_types_compatible"))
        return Header(
            version=version,
            name=shown(text_of(provides.get("artifact_name")) or text_of(info.get("artifact_name")) or ""),
            hardware=tuple(text for one in devices[:FACTS_MAX] if isinstance(one, str) and (text := shown(one))),
            facts={name: text for name, value in facts.items() if (text := shown(value))},
        )

    def _hold(self) -> bool | None:
        """Hold the digests of the manifests against those that were computed."""
        said: dict[str, str] = {}
        for manifest in ("manifest-augment", "manifest"):  # the second is signed, and counts where both say something
            if manifest in self.members:
                said |= _lines(self._text(manifest))
        if not said:
            self.problems.append("it has no manifest")
            return None
        wrong = [name for name, value in said.items() if self.found.get(name, b"").hex() != value]
        self.problems += [f"{shown(name)}: the digest of the manifest does not hold" for name in wrong[:FACTS_MAX]]
        bare = [name for name in self.found if name not in said and not name.startswith("manifest")]
        if bare:
            self.facts["in_no_manifest"] = shown(" ".join(bare)) or ""
        return not wrong

    def _signature(self, data: Source) -> Signature:
        covers = "the manifest, with the digests of header and payloads"
        try:
            raw = base64.b64decode(data.some(0, 4096).strip(), validate=True)
        except (binascii.Error, ValueError):
            self.problems.append("manifest.sig is no base64")
            raw = b""
        algorithm, bits = _KEYS.get(len(raw), (None, None))
        return Signature("mender", algorithm, bits, "sha256", covers)


def _lines(raw: bytes) -> dict[str, str]:
    """Read the lines of a manifest; raises ProtocolError for one that is none."""
    said: dict[str, str] = {}
    for line in filter(None, raw.decode("utf-8", "replace").split("\n")):
        match = _LINE.fullmatch(line)
        if match is None or len(said) >= FILES_MAX:
            raise ProtocolError(f"no line of a manifest: {line[:80]!r}")
        said[match[2]] = match[1].lower()
    return said


def _json(data: Source | None) -> dict[str, Any]:
    if data is None or not 0 < data.size <= TEXT_MAX:
        return {}
    return object_of(parse(data.read(0, data.size)))


def _flat(holder: dict[str, Any], groups: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield the texts of some groups, as `provides.name`."""
    for group in groups:
        for name, value in object_of(holder.get(group)).items():
            if isinstance(value, str) and (text := shown(value)):
                yield f"{group.removeprefix('artifact_')}.{shown(name, 64)}", setting(name, text)


def _open(source: Source, budget: Budget) -> Opened:
    return _Artifact(source, budget).opened()


FORMAT = Format("mender", "Mender artifact", ((0, MAGIC),), _recognises, _open)
