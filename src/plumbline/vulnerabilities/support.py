"""Until when components are supported: their branch in the support periods of the reference data.

Pure but for the reading of two relations. Rules: a distribution supports what it packages, so a package is judged by its distribution's
release; anything else by the branch of its own version. A branch is known by its number: 3.0 is that of 3.0.11, and not of 3.01. Products
are found by CPE name or by the name itself, which must mean one. That support "goes on", without a date, is true only for as long as the
source is fresh.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from plumbline.evidence.engine import Connection
from plumbline.vulnerabilities.identity import Component, keys

_PLATFORMS = {
    "debian": "cpe:o:debian:debian_linux",
    "ubuntu": "cpe:o:canonical:ubuntu_linux",
    "alpine": "cpe:o:alpinelinux:alpine_linux",
    "redhat": "cpe:o:redhat:enterprise_linux",
    "fedora": "cpe:o:fedoraproject:fedora",
    "openwrt": "cpe:o:openwrt:openwrt",
}


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch of a product, and until when it gets security updates; None is not given."""

    product: str
    cycle: str | None
    ends_at: datetime | None
    ended: bool | None
    latest: str | None
    source: str


class Supports:
    """All branches, found by the names that components go by."""

    def __init__(self, branches: Iterable[Branch], names: Iterable[tuple[str, str]]) -> None:
        """Take branches, and (name, product) pairs: CPE names as `cpe:part:vendor:product`, and plain ones."""
        self._branches: dict[str, list[Branch]] = defaultdict(list)
        for branch in branches:
            self._branches[branch.product].append(branch)
        self._products: dict[str, set[str]] = defaultdict(set)
        for name, product in names:
            if product in self._branches:
                self._products[name].add(product)
        for product in self._branches:
            self._products[product].add(product)

    def of(self, component: Component) -> Branch | None:
        """Give the branch of a component that no distribution packaged; None when its support is not known."""
        if component.packaged or not component.version:
            return None
        names = [key for key in keys(component) if key.startswith("cpe:")]
        return self._branch([*names, component.name.lower()], component.version)

    def of_distribution(self, namespace: str) -> Branch | None:
        """Give the branch of a distribution's release, by its namespace: `debian:12`."""
        name, _, release = namespace.partition(":")
        return self._branch([_PLATFORMS.get(name, ""), name], release.removeprefix("v")) if release else None

    def _branch(self, names: Iterable[str], version: str) -> Branch | None:
        product = next((products for name in names if len(products := self._products.get(name, set())) == 1), None)
        if product is None:
            return None
        fitting = [branch for branch in self._branches[next(iter(product))] if _is_of(version, branch.cycle)]
        return max(fitting, key=lambda branch: (len(branch.cycle or ""), branch.source, branch.cycle or ""), default=None)


def load_supports(connection: Connection, stale: Collection[str] = ()) -> Supports:
    """Read the relations `reference.support` and `reference.product`; `stale` are sources that cannot say that support goes on."""
    rows = connection.execute(
        """
        select product, cycle, coalesce(security_ends_at, ends_at),
          case when ended or not list_contains($stale::varchar[], source) then ended end, latest, source
        from reference.support order by all
        """,
        {"stale": sorted(stale)},
    ).fetchall()
    names = connection.execute(
        "select unnest(list_concat(coalesce(identifiers, []), coalesce(aliases, []))) as name, product from reference.product order by all"
    ).fetchall()
    return Supports([Branch(*row) for row in rows], names)


def _is_of(version: str, cycle: str | None) -> bool:
    number = version.removeprefix("v")
    return cycle is None or (number.startswith(cycle) and not number[len(cycle) : len(cycle) + 1].isdigit())
