"""What an audit with the lab's catalogue makes of whole hubs: devices that nothing but the hub knows, and how far each fix has come.

The ghost is the only device that nothing but a hub knows, and its twin names no model, so nothing can be said of it but that. All other
twins name the model of their device and the version that it reports.
"""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.lab.catalogue import PRODUCTS
from plumbline.lab.truth.hub import Identity
from plumbline.lab.truth.world import World
from plumbline.model.words import Outcome


@dataclass(frozen=True, slots=True)
class Fix:
    """One release that mends something, and whether each device of its model that a hub knows reports it or a newer one."""

    reached: tuple[bool | None, ...]


def see(world: World) -> None:
    """Note the fleets of all hubs."""
    if not world.catalogue:
        return
    for attempt in list(world.attempts["hub_twin"]):
        told = [sight.thing for sight in world.sights["hub_twin"] if sight.source == attempt.asset]
        twins = [thing for thing in told if isinstance(thing, Identity)]
        ghost = any(twin.device is None for twin in twins)
        for table in ("fleet_currency", "fleet_patch"):
            world.attempt(table, attempt.asset, outcome=Outcome.PARTIAL if ghost else attempt.outcome)
        for model, product in PRODUCTS.items():
            versions = [twin.reported_version for twin in twins if twin.device is not None and twin.device.model == model]
            places = [product.position(version) if version is not None else None for version in versions]
            for at, release in enumerate(product.releases):
                if versions and release.mends:
                    reached = tuple(None if place is None else place >= at for place in places)
                    world.see("fleet_patch", attempt.asset, f"model/{model}/release/{release.version}", Fix(reached))
