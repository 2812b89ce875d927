"""The words that vendors put into versions, and what each says of order. In lower case; any other word is a name.

Not a dictionary of products: a name needs no entry. A word belongs here when several vendors use it and mean the same.
"""

from __future__ import annotations

from collections.abc import Mapping

# Read over: they say that a version follows, and nothing of it.
NOISE = frozenset({"v", "ver", "version", "fw", "firmware", "nr", "no"})

# Before the release. Of the staged ones the order among each other is agreed; of the others only that the release comes after.
STAGES: Mapping[str, int] = {"alpha": 1, "beta": 2, "rc": 3}
UNSTAGED = frozenset({"dev", "devel", "pre", "preview", "prerelease", "snapshot", "nightly", "test", "eng"})

# After the release that they amend. One kind says nothing of another: whether a hotfix precedes a service pack is the vendor's affair.
AMENDMENTS: Mapping[str, str] = {
    "sp": "service pack",
    "fp": "feature pack",
    "mp": "maintenance pack",
    "sr": "service release",
    "su": "service update",
    "u": "update",
    "upd": "update",
    "update": "update",
    "uc": "update collection",
    "cu": "cumulative update",
    "ru": "release update",
    "qu": "quality update",
    "tcu": "tested update",
    "p": "patch",
    "pl": "patch",
    "patch": "patch",
    "securitypatch": "security patch",
    "hf": "hotfix",
    "hotfix": "hotfix",
    "hotfixrev": "hotfix",
}
COMPOUNDS: Mapping[tuple[str, str], str] = {
    ("service", "pack"): "sp",
    ("service", "release"): "sr",
    ("feature", "pack"): "fp",
    ("maintenance", "pack"): "mp",
    ("cumulative", "update"): "cu",
    ("patch", "level"): "pl",
    ("security", "patch"): "securitypatch",
    ("hot", "fix"): "hf",
}

# Which build of a release: ordered among builds of the same release, and against a string without a build not at all.
BUILDS: Mapping[str, str] = {
    "b": "b",  # D-Link's 1.05B03 is a build, Python's 1.5b3 a beta
    "bn": "build",
    "bld": "build",
    "build": "build",
    "rel": "release",
    "release": "release",
    "rev": "revision",
    "revision": "revision",
    "svn": "revision",
}

# What holds one of these is a sentence about versions, or a day.
PROSE = frozenset(
    """
    affected after all an and are as at before but by date digits distributed earlier except excluding first for from if in including
    installed is later number numbers of on only or other prior serial since the through to under until up used using when where with
    without
    jan feb mar apr jun jul aug sep sept oct nov dec january february march april may june july august september october november december
    """.split()  # noqa: SIM905 - a hundred words in quotes and commas are hard to read
)
