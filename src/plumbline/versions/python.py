"""Versions of Python packages (PEP 440, PyPA version specifiers), with every spelling that its Appendix B reads.

| part | order |
|---|---|
| `[N!]` epoch | as a number, absent is 0 |
| release `N(.N)*` | number by number; trailing zeros are nothing |
| `.devN` alone | before the pre-releases of its release |
| `aN` `bN` `rcN` | alpha, beta, candidate: before the release |
| `.postN` | after it |
| `.devN` after one of these | before that |
| `+local` | after the same without; its parts in turn, numbers after letters |
"""

from __future__ import annotations

import re

_VERSION = re.compile(
    r"v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)"
    r"(?:[-_.]?(?P<stage>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<stage_number>[0-9]+)?)?"
    r"(?P<post>-(?P<post_bare>[0-9]+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_number>[0-9]+)?)?"
    r"(?P<dev>[-_.]?dev[-_.]?(?P<dev_number>[0-9]+)?)?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?",
    re.IGNORECASE,
)
_STAGES = {"a": 1, "alpha": 1, "b": 2, "beta": 2, "c": 3, "rc": 3, "pre": 3, "preview": 3}
_DEV_OF_RELEASE, _RELEASE = (0, 0), (4, 0)
_LAST = 1  # of the development marks: what has none is after what has one


def order(version: str) -> tuple[object, ...] | None:
    """Order a version of a Python package; None when it is none."""
    parts = _VERSION.fullmatch(version)
    if parts is None:
        return None
    release = [int(number) for number in parts["release"].split(".")]
    while len(release) > 1 and not release[-1]:
        release.pop()
    post = int(parts["post_bare"] or parts["post_number"] or 0) if parts["post"] else -1
    dev = (0, int(parts["dev_number"] or 0)) if parts["dev"] else (_LAST, 0)
    if parts["stage"]:
        stage = (_STAGES[parts["stage"].lower()], int(parts["stage_number"] or 0))
    else:
        stage = _DEV_OF_RELEASE if parts["dev"] and post < 0 else _RELEASE
    return int(parts["epoch"] or 0), tuple(release), stage, post, dev, _local(parts["local"])


def _local(local: str | None) -> tuple[tuple[int, int | str], ...]:
    if local is None:
        return ()
    return tuple((1, int(part)) if part.isdigit() else (0, part) for part in re.split(r"[-_.]", local.lower()))
