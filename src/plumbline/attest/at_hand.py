"""The bundles that an assessment was made from, where they are: in OUT, beside it, or where somebody names them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from plumbline.attest.content import digest_of
from plumbline.attest.plain_files import is_plain
from plumbline.attest.statement import plain
from plumbline.evidence.bundle import Bundle
from plumbline.model.errors import InputError


@dataclass(frozen=True, slots=True)
class AtHand:
    """Bundles whose manifest is the one that was assessed, by the name that the assessment gives them, and the names of the others."""

    bundles: Mapping[str, Bundle]
    missing: tuple[str, ...]


def find(out: Path, assessed: Mapping[str, str], named: Collection[Path] = ()) -> AtHand:
    """Find the bundles of OUT; `assessed` are their manifests' digests by name. Raises InputError when one of `named` is none of them."""
    found: dict[str, Bundle] = {}
    for path in named:
        mine = _digest(path)
        name = next((name for name, digest in assessed.items() if digest == mine), None)
        if name is None:
            raise InputError("is not a bundle that was assessed here", where=str(path), remedy="name the bundle as it was")
        found[name] = Bundle(path)
    for name, digest in assessed.items():
        # A name comes from whoever sealed: it must not lead us elsewhere.
        for path in (out / name, out.parent / name) if plain(name) else ():
            if name not in found and _digest(path) == digest:
                found[name] = Bundle(path)
    return AtHand(found, tuple(sorted(assessed.keys() - found.keys())))


def named_files(bundle: Bundle) -> dict[str, str]:
    """Give the digests of a bundle's files as its manifest names them; '' for one of another form."""
    return {name: str(entry.get("sha256")) if isinstance(entry, dict) else "" for name, entry in bundle.manifest.get("files", {}).items()}


def _digest(bundle: Path) -> str:
    manifest = bundle / "manifest.json"
    return digest_of(manifest) if is_plain(manifest) else ""
