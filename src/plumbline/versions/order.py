"""The order itself: `sort_key` and `compare`, the same for every scheme. Which rules apply, each scheme's own module says.

Hostile strings end here: longer than 255 characters, other than printable ASCII, or empty have no order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from plumbline.versions import alpine, counters, debian, firmware, kernel, openssl, python, rpm, semver
from plumbline.versions.key import MAX_LENGTH, Key
from plumbline.versions.scheme import Scheme

_ORDERS: Mapping[Scheme, Callable[[str], tuple[Any, ...] | None]] = {
    Scheme.DEB: debian.order,
    Scheme.RPM: rpm.order,
    Scheme.APK: alpine.order,
    Scheme.SEMVER: semver.order,
    Scheme.PEP440: python.order,
    Scheme.OPENSSL: openssl.order,
    Scheme.KERNEL: kernel.order,
    Scheme.INTEGER: counters.integer_order,
    Scheme.DATE: counters.date_order,
}


def sort_key(version: str, scheme: Scheme) -> Key | None:
    """Reduce a version to its key; None when it has no order under the scheme.

    Keys order by `Key.compare`, exactly as `compare` orders their strings. Two keys of one scheme may be of different families
    (`Key.family`: the prefix, region or numbering by years of a firmware), and two of one family may differ only in what has no order
    (a commit): of those `Key.compare` gives None.
    """
    text = version.strip(" ")
    if not 0 < len(text) <= MAX_LENGTH or not text.isascii() or not text.isprintable():
        return None
    return _key(text, scheme)


@lru_cache(maxsize=1 << 15)  # bounds of ranges come back for every device; 20 MB when full
def _key(text: str, scheme: Scheme) -> Key | None:
    if scheme is Scheme.FIRMWARE:
        return firmware.key(text)
    order = _ORDERS[scheme](text)
    return None if order is None else Key(scheme, "", order)


def compare(a: str, b: str, scheme: Scheme) -> int | None:
    """Compare two versions: -1, 0 or 1, or None when they are not comparable."""
    one, other = sort_key(a, scheme), sort_key(b, scheme)
    return None if one is None or other is None else one.compare(other)


def upstream(version: str, scheme: Scheme) -> str:
    """Cut from a distribution's version what the distribution added; other versions, and what is no version, come back as they are.

    deb: epoch, revision and `+dfsg` or its like off, and only what follows `+really`. rpm: epoch and release off. apk: commit and revision
    off. kernel: the builder's words off.
    """
    text = version.strip()
    if len(text) > MAX_LENGTH:
        return version
    if scheme is Scheme.DEB:
        return debian.upstream(text)
    if scheme is Scheme.RPM:
        return rpm.upstream(text)
    if scheme is Scheme.APK:
        return alpine.upstream(text)
    return kernel.upstream(text) if scheme is Scheme.KERNEL else version
