"""What a Debian package's changelog says that was mended: the vulnerabilities named up to the version that is installed.

Not a judgement: a changelog that names a vulnerability says that somebody mended it in that package, which is how backports are told.
Rules: the form is deb-changelog(5), newest entry first; entries above the installed version do not count; an entry whose version has no
order counts when it stands below one that counts. What is longer than any changelog is cut at its older end.
"""

from __future__ import annotations

import re
import zlib
from itertools import islice

from plumbline.model.errors import ProtocolError
from plumbline.versions import Scheme, compare

PACKED_MAX = 8 << 20
TEXT_MAX = 32 << 20  # that of Linux has 8 MB
ENTRIES_MAX = 20_000  # that of Linux has 400
FIXES_MAX = 20_000  # that of Linux names 6,000
_ENTRY = re.compile(rb"^([a-z0-9][a-z0-9+.-]{0,200}) \(([^()\s]{1,200})\) ", re.MULTILINE)
_VULNERABILITY = re.compile(rb"\bCVE-[0-9]{4}-[0-9]{4,19}\b")


def places(package: str) -> tuple[str, ...]:
    """Name the files that may be a package's changelog: Debian's own, and that of a package that is Debian's alone."""
    folder = f"/usr/share/doc/{package}"
    return tuple(f"{folder}/{name}" for name in ("changelog.Debian.gz", "changelog.Debian", "changelog.gz", "changelog"))


def unpacked(data: bytes) -> bytes:
    """Decompress a changelog where it is compressed; raises ProtocolError."""
    if not data.startswith(b"\x1f\x8b"):
        return data[:TEXT_MAX]
    stream = zlib.decompressobj(31)
    try:
        text = stream.decompress(data, TEXT_MAX)
    except zlib.error as error:
        raise ProtocolError(f"not gzip: {error}") from error
    if not stream.eof:
        raise ProtocolError("gzip that is cut off, or longer than a changelog is")
    return text


def mended(text: bytes, version: str) -> tuple[str, ...] | None:
    """Give the vulnerabilities, in order, that entries up to a version name; None when the text is no Debian changelog."""
    entries = list(islice(_ENTRY.finditer(text), ENTRIES_MAX))
    if not entries or entries[0].start() > 64:
        return None
    start = next((entry.start() for entry in entries if _holds(entry[2].decode("latin-1"), version)), None)
    if start is None:
        return ()
    return tuple(sorted({name.decode() for name in _VULNERABILITY.findall(text, start)})[:FIXES_MAX])


def _holds(entry: str, installed: str) -> bool:
    """Say whether an entry's version is the installed one or older."""
    order = compare(entry, installed, Scheme.DEB)
    return order is not None and order <= 0
