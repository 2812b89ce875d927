"""RPM headers: what one installed package says of itself, from the blob that every RPM database keeps.

Not the databases (`rpm_databases`). Rules (rpm, docs/manual/hregions and format_header): counts, offsets and sizes are bounded before they
are believed; a tag of the wrong type was not observed. All numbers are big endian.

| offset | size | field | | index entry | size | field |
|---|---|---|---|---|---|---|
| 0 | 4 | entries in the index | | 0 | 4 | tag |
| 4 | 4 | bytes of the store | | 4 | 4 | type: 4 int32, 6 string, 8 list of strings, 9 the same in languages |
| 8 | 16 each | index | | 8 | 4 | offset in the store |
| behind it | | store | | 12 | 4 | count |
"""

from __future__ import annotations

import re
import struct

from plumbline.collect.firmware.packages import TEXT_MAX, Package
from plumbline.model.errors import ProtocolError

ENTRIES_MAX = 65_536
STORE_MAX = 256 << 20  # rpm's own limit of a header
STRINGS_MAX = 100_000
_NAME, _VERSION, _RELEASE, _EPOCH, _VENDOR, _ARCHITECTURE, _SOURCE, _CHANGES = 1000, 1001, 1002, 1003, 1011, 1022, 1044, 1082
_INT32, _STRING, _STRINGS, _LANGUAGES = 4, 6, 8, 9
_SOURCE_FILE = re.compile(r"(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm")
_VULNERABILITY = re.compile(r"\bCVE-[0-9]{4}-[0-9]{4,19}\b")
_FIXES_MAX = 20_000


def read_header(blob: bytes) -> Package:
    """Read the header of one package; raises ProtocolError."""
    header = _Header(blob)
    name, version, release = header.text(_NAME), header.text(_VERSION), header.text(_RELEASE)
    if not name or not version or not release:
        raise ProtocolError("an RPM header without name, version or release")
    epoch = header.number(_EPOCH)
    full = f"{f'{epoch}:' if epoch else ''}{version}-{release}"
    source = _SOURCE_FILE.fullmatch(header.text(_SOURCE) or "")
    return Package(
        name,
        full,
        "rpm",
        architecture=header.text(_ARCHITECTURE),
        source=source[1] if source and source[1] != name else None,
        source_version=source[2] if source and source[2] != f"{version}-{release}" else None,
        supplier=header.text(_VENDOR),
        fixes=header.fixes(),
    )


class _Header:
    def __init__(self, blob: bytes) -> None:
        if len(blob) < 8:
            raise ProtocolError("an RPM header of less than 8 bytes")
        entries, size = struct.unpack_from(">2I", blob)
        start = 8 + 16 * entries
        if entries > ENTRIES_MAX or size > STORE_MAX or start + size > len(blob):
            raise ProtocolError(f"an RPM header of {entries} entries and {size} bytes in {len(blob)}")
        self._store = blob[start : start + size]
        self._index = {tag: (kind, offset, count) for tag, kind, offset, count in struct.iter_unpack(">4I", blob[8:start])}

    def number(self, tag: int) -> int | None:
        """Give an int32."""
        kind, offset, count = self._index.get(tag, (0, 0, 0))
        if kind != _INT32 or count < 1 or offset + 4 > len(self._store):
            return None
        return int(struct.unpack_from(">I", self._store, offset)[0])

    def text(self, tag: int) -> str | None:
        """Give a string; None for one that is absent, empty or absurdly long."""
        kind, offset, _ = self._index.get(tag, (0, 0, 0))
        if kind not in (_STRING, _LANGUAGES):
            return None
        end = self._store.find(b"\0", offset, offset + TEXT_MAX + 1)
        return self._store[offset:end].decode("utf-8", "replace") if end > offset else None

    def fixes(self) -> tuple[str, ...] | None:
        """Give the vulnerabilities that its changelog names; None when it has none."""
        kind, offset, count = self._index.get(_CHANGES, (0, 0, 0))
        if kind != _STRINGS or offset >= len(self._store):
            return None
        texts = self._store[offset:].split(b"\0", min(count, STRINGS_MAX))[: min(count, STRINGS_MAX)]
        found = {name for text in texts for name in _VULNERABILITY.findall(text.decode("utf-8", "replace"))}
        return tuple(sorted(found)[:_FIXES_MAX])
