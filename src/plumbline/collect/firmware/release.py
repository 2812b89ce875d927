"""Name and version of the system in an image, in its own words: os-release(5), OpenWrt's release file, or a plain version file."""

from __future__ import annotations

import re
from collections.abc import Callable

from plumbline.collect.firmware.tree import Entry, Tree

TEXT_MAX = 256
_RELEASES = ("/etc/os-release", "/usr/lib/os-release")
_VERSIONS = ("/etc/openwrt_version", "/etc/fw_version", "/etc/firmware_version", "/etc/firmware-version", "/etc/version")
_PAIR = re.compile(r"(?m)^\s*([A-Z_]{1,40})=(?:\"([^\"\n]*)\"|'([^'\n]*)'|([^\n]*))$")


def system_name(tree: Tree, read: Callable[[Entry], str | None]) -> tuple[str | None, str | None]:
    """Give NAME and version; None for what no file says."""

    def text_at(path: str) -> str:
        entry = tree.resolve(path)
        return (read(entry) if entry is not None and entry.kind == "file" else None) or ""

    release = next((pairs for path in _RELEASES if (pairs := pairs_of(text_at(path)))), {})
    version = release.get("VERSION_ID") or pairs_of(text_at("/etc/openwrt_release")).get("DISTRIB_RELEASE")
    if not version:
        version = next((line for path in _VERSIONS if (line := text_at(path).strip().partition("\n")[0].strip())), None)
    return _short(release.get("NAME")), _short(version)


def pairs_of(text: str) -> dict[str, str]:
    """Read the settings `NAME=value` of a release file, quotes taken off."""
    return {name: next((one for one in values if one), "").strip() for name, *values in _PAIR.findall(text[:65536])}


def _short(text: str | None) -> str | None:
    return text[:TEXT_MAX] if text else None
