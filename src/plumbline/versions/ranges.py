"""From what an advisory writes to intervals; which notation it is, and nothing else.

| begins with, or asked for as | read by |
|---|---|
| `vers:all/` | `vendor_text`, what follows it: vendors put their own words there |
| `vers:` | `vers` |
| scheme semver | `npm`, and where that fails `vendor_text`: databases write `>= 1.0.0, < 1.2.3` |
| anything else | `vendor_text`; without a scheme as firmware |
"""

from __future__ import annotations

from plumbline.versions import npm, vendor_text, vers
from plumbline.versions.constraints import NotParsedError
from plumbline.versions.interval import Interval
from plumbline.versions.scheme import Scheme, scheme_for

MAX_TEXT = 16_384  # characters: room for a thousand single versions


def parse_range(text: str, scheme: Scheme | None = None) -> tuple[Interval, ...]:
    """Read a range into ascending intervals that do not overlap, none for `vers:none/*`.

    Versions are those of `scheme`, of the type that a vers: URI names (`scheme_of_range`), or else firmware. Raises NotParsedError with
    the reason where the meaning is not sure.
    """
    if len(text) > MAX_TEXT or not text.isprintable() or not text.strip():
        raise NotParsedError(f"is not 1 to {MAX_TEXT} printable characters")
    plain = text.strip()
    uri = vers.split(plain)
    if uri is not None and uri[0] != "all":
        return vers.parse(*uri, scheme)
    if uri is not None:
        plain = uri[1].strip()
    if scheme is Scheme.SEMVER:
        try:
            return npm.parse(plain)
        except NotParsedError:
            pass
    return vendor_text.parse(plain, scheme or Scheme.FIRMWARE)


def scheme_of_range(text: str) -> Scheme | None:
    """Name the scheme of the versions in a vers: URI; None when it is none, or names no scheme of ours."""
    uri = vers.split(text.strip()[:MAX_TEXT])
    return None if uri is None else scheme_for(uri[0])
