"""Which distribution an image was built from.

Source: os-release(5); lsb-release, which Debian's installer and old systems have instead.
"""

from __future__ import annotations

from collections.abc import Callable

from plumbline.collect.distribution import UNKNOWN, Distribution, distribution_of
from plumbline.collect.firmware.release import pairs_of
from plumbline.collect.firmware.tree import Entry, Tree

_FILES = ("/etc/os-release", "/usr/lib/os-release", "/etc/lsb-release")


def distribution(tree: Tree, read: Callable[[Entry], str | None]) -> Distribution:
    """Tell the distribution of a root file system; UNKNOWN where no file does."""
    for path in _FILES:
        entry = tree.resolve(path)
        text = read(entry) if entry is not None and entry.kind == "file" else None
        if (found := distribution_of(pairs_of(text or ""))) != UNKNOWN:
            return found
    return UNKNOWN
