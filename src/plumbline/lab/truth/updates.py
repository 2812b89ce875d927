"""What an audit with the lab's catalogue makes of each device: which versions are claimed, and what the catalogue says of those.

| who says a version | of which devices | when |
|---|---|---|
| the hub's twin | those with an identity | when the device was last active |
| its page | those whose page states one, where the network was swept | now |
| its Modbus identification | those that answer it, likewise | now |

All are the device's own word, so none is believed before another: where they differ, only what holds of all of them can be told. A word
that is more than a week older than the newest does not count. Without a catalogue nothing is attempted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from plumbline.lab.catalogue import PRODUCTS, Product
from plumbline.lab.fleet import Device
from plumbline.lab.rigfile import POPULATIONS, RIG_ID
from plumbline.lab.services import Modbus, Web
from plumbline.lab.truth.hub import Identity
from plumbline.lab.truth.world import World
from plumbline.model.words import Outcome

Says = Callable[[Product, int | None], bool | None]
"""Judges one version by its place among the releases of its product; None: it is not among them."""


@dataclass(frozen=True, slots=True)
class Running:
    """What can be known of one device: its product, if the catalogue has it, and the versions that are claimed, one for each claim."""

    product: Product | None
    claims: tuple[str, ...]

    @property
    def conflict(self) -> bool | None:
        """Whether the claims differ; None with fewer than two."""
        return len(set(self.claims)) > 1 if len(self.claims) > 1 else None

    @property
    def behind(self) -> bool | None:
        """Whether a newer release has been out for longer than a month, as all in the catalogue have."""
        return self._of_all(lambda product, at: None if at is None else any(not newer.retracted for newer in product.releases[at + 1 :]))

    @property
    def retracted(self) -> bool | None:
        """Whether its maker took it back."""
        return self._of_all(lambda product, at: None if at is None else product.releases[at].retracted)

    @property
    def vulnerable(self) -> bool | None:
        """Whether an advisory calls it affected; a version that was never released counts as a later one. None where none is about it."""
        if self.product is None or not self.product.advisories:
            return None
        return self._of_all(
            lambda product, at: any(at is not None and at < (product.position(one.mended_in) or 0) for one in product.advisories)
        )

    @property
    def unsupported(self) -> bool | None:
        """Whether its branch, or the product where that has none, gets no more fixes."""
        if self.product is None:
            return None
        ended = {self._ended(self.product, version) for version in self.claims} or {self._ended(self.product, "")}
        return ended.pop() if len(ended) == 1 else None

    @property
    def bad(self) -> bool | None:
        """Whether something has to be done about it."""
        each = (self.retracted, self.vulnerable, self.unsupported, self.behind)
        return True if any(each) else None if self.behind is None or self.conflict else False

    @staticmethod
    def _ended(product: Product, version: str) -> bool | None:
        return next((period.days < 0 for period in product.support if period.branch is None or version.startswith(period.branch)), None)

    def _of_all(self, says: Says) -> bool | None:
        if self.product is None:
            return None
        answers = {says(self.product, self.product.position(version)) for version in self.claims}
        return answers.pop() if len(answers) == 1 else None


@dataclass(frozen=True, slots=True)
class Sample:
    """One population: how many there are, and what is known of those that were seen."""

    size: int
    seen: tuple[Running, ...]


def see(world: World) -> None:
    """Note every device, and the populations."""
    rig = f"rig:/{RIG_ID}"
    world.attempt("population", rig)
    if not world.catalogue:
        return
    running: dict[str, Running] = {}
    for device in _devices(world):
        asset = world.asset_of(device)
        running[device.name] = Running(PRODUCTS.get(device.model) if device.declared else None, tuple(_claims(world, device)))
        for table in ("currency", "version_claim"):
            world.attempt(table, asset)
        world.see("currency", asset, "", running[device.name])
    # The lab's feeds speak of products, and of no component.
    for asset in {asset for table in ("image", "sbom", "system") for asset, _ in world.things(table)}:
        for table, outcome in (("component_exposure", Outcome.PARTIAL), ("component_support", Outcome.OK)):
            world.attempt(table, asset, outcome=outcome)
            world.see(table, asset, "", None)
    world.attempt("population_bound", rig)
    for model, size in POPULATIONS.items():
        seen = tuple(running[device.name] for device in _devices(world) if device.declared and device.model == model)
        world.see("population_bound", rig, f"model/{model}", Sample(size, seen))


def _devices(world: World) -> list[Device]:
    """Everything that is declared or answers."""
    seen = {asset for asset, _ in world.things("host")}
    return [device for device in world.fleet.devices if device.declared or world.asset_of(device) in seen]


def _claims(world: World, device: Device) -> Iterator[str]:
    asset = world.asset_of(device)
    now = [service.firmware_version for owner, service in world.things("http_service") if owner == asset and isinstance(service, Web)]
    now += [
        service.revision.removeprefix("V")
        for owner, service in world.things("modbus_device")
        if owner == asset and isinstance(service, Modbus) and service.identification
    ]
    stated = [version for version in now if version is not None]
    yield from stated
    for _, identity in world.things("hub_twin"):
        if isinstance(identity, Identity) and identity.device == device and not (identity.stale and stated):
            yield from filter(None, [identity.reported_version])
