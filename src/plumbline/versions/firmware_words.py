"""The words that vendors put into versions, and what each says of order. Lower case; a word that is not here is a name, which must be equal.

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
    "sp": "service pack", "fp": "feature pack", "mp": "maintenance pack", "sr": "service release",
    "u": "update", "upd": "update", "update": "update", "uc": "update collection", "cu": "cumulative update", "ru": "release update",
    "qu": "quarterly update", "tcu": "tested cumulative update", "p": "patch", "patch": "patch", "pl": "patch",
    "hf": "hotfix", "hotfix": "hotfix", "hotfixrev": "hotfix",
}  # fmt: skip
COMPOUNDS: Mapping[tuple[str, str], str] = {
    ("service", "pack"): "sp", ("feature", "pack"): "fp", ("maintenance", "pack"): "mp", ("service", "release"): "sr",
    ("cumulative", "update"): "cu", ("hot", "fix"): "hf", ("patch", "level"): "pl", ("security", "patch"): "security patch",
}  # fmt: skip

# Which build of a release: ordered among builds of the same release, and against a string without a build not at all.
BUILDS: Mapping[str, str] = {
    "b": "build", "bn": "build", "bld": "build", "build": "build", "rel": "release", "release": "release", "rev": "revision",
    "revision": "revision", "svn": "revision", "sec": "security",
}  # fmt: skip

# Prose, not a version: what holds one of these is a sentence about versions.
PROSE = frozenset(
    "affected after all an and are as at before but by date digits distributed earlier except excluding first for from if in including "
    "installed is later number numbers of on only or other prior serial since the through to under until up used using when where with without".split()
)
MONTHS = frozenset(
    "jan feb mar apr jun jul aug sep sept oct nov dec january february march april may june july august september october november december".split()
)
