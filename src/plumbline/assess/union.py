"""What the bundles of one rig say together: of whom they are, when they were collected, what their rig files ask for.

Not their rows, which `correlate` puts together. Rules: where they differ the latest counts; a bundle of another rig is refused.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from plumbline.assess.assessment import Session
from plumbline.evidence.bundle import Bundle
from plumbline.model.entities import Entity
from plumbline.model.errors import InputError
from plumbline.model.words import EntityKind


@dataclass(frozen=True)
class BundleUnion:
    """Bundles of one rig, in the order in which they were named."""

    bundles: Sequence[Bundle]

    @property
    def latest(self) -> Bundle:
        """The one that was begun last."""
        return self._in_time[-1]

    @cached_property
    def named(self) -> Mapping[str, Bundle]:
        """Each bundle once: by its folder, or where two folders are named alike, by the folder above as well."""
        found: dict[str, Bundle] = {}
        places: dict[Path, Bundle] = {}
        for bundle in self.bundles:
            places.setdefault(bundle.path.resolve(), bundle)
        for place, bundle in places.items():
            name = place.name if place.name not in found else f"{place.parent.name}/{place.name}"
            while name in found:
                name += "+"
            found[name] = bundle
        return found

    def sessions(self) -> list[Session]:
        """Give the sessions of all bundles, in time."""
        found = []
        for name, bundle in self.named.items():
            for entry in bundle.manifest["sessions"]:
                notes = tuple(entry.get("notes", ()))
                found.append(Session(name, entry["id"], entry["started_at"], entry["ended_at"], entry["complete"], notes))
        return sorted(found, key=lambda session: (session.started_at, session.id))

    def latest_end(self) -> datetime:
        """Say when the last session ended; raises InputError where there is no bundle, or one does not say when."""
        if not self.bundles:
            raise InputError("no bundle to judge", remedy="name the folder that `collect` wrote")
        ends = []
        for bundle in self.bundles:
            try:
                ends += [_moment(entry["ended_at"] or entry["started_at"]) for entry in bundle.manifest["sessions"]]
            except (KeyError, TypeError, ValueError) as error:
                raise InputError(f"manifest.json names no time for a session: {error}", where=str(bundle.path)) from error
        return max(ends).astimezone(UTC)

    def refuse_other_rigs(self) -> None:
        """Raise InputError where the bundles are of several rigs."""
        rigs = {bundle.manifest.get("rig", {}).get("id") for bundle in self.bundles}
        if len(rigs) > 1:
            raise InputError(f"bundles of different rigs: {', '.join(sorted(map(str, rigs)))}", remedy="assess each rig by itself")

    def authorised(self) -> list[str]:
        """Give the networks that the rig may be looked at in."""
        every = (bundle.manifest.get("authorisation", {}).get("networks") or () for bundle in self.bundles)
        return sorted({str(one) for networks in every for one in networks})

    def whole(self) -> bool:
        """Whether the rig was looked at to the end of every run, and not only, as by a re-test, where there were findings."""
        ended = all(bundle.manifest["sessions"][-1:] and bundle.manifest["sessions"][-1]["complete"] for bundle in self.bundles)
        return ended and not all(_narrowed(bundle) for bundle in self.bundles)

    def networks(self) -> frozenset[str]:
        """Give the networks, as entities, that the rig files name; those of a re-test, which leaves some out, do not count."""
        return frozenset(
            str(Entity.of(EntityKind.NETWORK, str(table.get("site", "")), table["name"]))
            for bundle, said in self._rig_files
            if not _narrowed(bundle)
            for table in _tables(said, "network")
            if isinstance(table.get("name"), str)
        )

    def swept(self) -> Mapping[str, tuple[Sequence[str], Sequence[str]]]:
        """Give for networks, as entities, the ranges that are gone through address by address, and what is left out of any of them."""
        ranges: dict[str, set[str]] = defaultdict(set)
        left_out: set[str] = set()
        for bundle in self.bundles:
            said = bundle.manifest.get("swept", {"ranges": {}, "left_out": []})
            try:
                left_out.update(str(ip_network(one)) for one in said["left_out"])
                for network, listed in said["ranges"].items():
                    ranges[network].update(str(ip_network(one)) for one in listed)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise InputError(f"manifest.json: swept: {error!r}", where=str(bundle.path), remedy="copy the bundle anew") from error
        return {network: (sorted(found), sorted(left_out)) for network, found in ranges.items()}

    def table(self, name: str) -> Mapping[str, Any]:
        """Take a table from the rig file of the latest bundle that has it; raises InputError where it is none."""
        found: Mapping[str, Any] = {}
        for bundle, said in self._rig_files:
            found = said.get(name, found)
            if not isinstance(found, dict):
                raise InputError(f"[{name}] is no table", where=str(bundle.path / "rig.toml"), remedy="copy the bundle anew")
        return found

    def chosen(self) -> list[str]:
        """Give the standards and profiles that the rig file names, none where it names none."""
        names = self.table("standards").get("assess", [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InputError("is no list of standards and profiles", where="rig.toml, standards.assess", remedy="copy the bundle anew")
        return names

    @cached_property
    def _in_time(self) -> Sequence[Bundle]:
        return sorted(self.bundles, key=lambda bundle: max((entry["started_at"] for entry in bundle.manifest["sessions"]), default=""))

    @cached_property
    def _rig_files(self) -> Sequence[tuple[Bundle, Mapping[str, Any]]]:
        return [(bundle, _rig_file(bundle)) for bundle in self._in_time]


def _rig_file(bundle: Bundle) -> Mapping[str, Any]:
    path = bundle.path / "rig.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from error


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None:  # another machine would take it for another
        raise ValueError(f"{text} has no time zone")
    return moment


def _narrowed(bundle: Bundle) -> bool:
    return bundle.manifest.get("narrowed") is True


def _tables(said: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    tables = said.get(name)
    yield from (table for table in (tables if isinstance(tables, list) else ()) if isinstance(table, dict))
