"""What an audit reads in the lab's hub exports."""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.lab.files import hub as exports
from plumbline.lab.fleet import Device, Weak
from plumbline.lab.truth.world import World

POLICIES = ("backend", "device", "iothubowner", "registryRead", "registryReadWrite", "service")


@dataclass(frozen=True, slots=True)
class Identity:
    """One device identity and its twin; the ghost has no device."""

    device: Device | None
    weak: Weak

    @property
    def kind(self) -> str | None:
        """The kind of its device."""
        return self.device.kind if self.device else None

    @property
    def by_key(self) -> bool:
        """It proves itself by a symmetric key."""
        return self.kind is not None and exports.by_key(self.kind, self.weak)

    @property
    def by_authority(self) -> bool:
        """It proves itself by a certificate of an authority."""
        return self.kind == "gateway"

    @property
    def reported_version(self) -> str | None:
        """The firmware version that its twin reports."""
        if self.device is None:
            return None
        return "never released" if self.kind == "camera" and self.weak("camera.version_mismatch") else self.device.firmware_version

    @property
    def stale(self) -> bool:
        """Its device was last active more than a year ago."""
        return self.kind == "controller" and self.weak("hub.stale_device_enabled")


@dataclass(frozen=True, slots=True)
class Hub:
    """One hub, the switches that made it, and its identities."""

    weak: Weak
    identities: tuple[Identity, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """One access policy."""

    name: str
    weak: Weak


def see(world: World) -> None:
    """Note everything about both hubs."""
    for switched in (True, False):
        name, weak = exports.name_of(switched=switched), world.fleet.weak(switched=switched)
        asset = f"hub:/{name}"
        for table in ("hub", "hub_policy", "hub_certificate", "hub_identity", "hub_twin"):
            world.attempt(table, asset)
        kinds = [kind for kind in exports.KINDS if kind != "printer" or not weak("hub.device_without_identity")]
        identities = [Identity(world.fleet.twin(kind, switched=switched), weak) for kind in kinds]
        if weak("hub.identity_without_device"):
            identities.append(Identity(None, weak))
        for identity in identities:
            owner = world.asset_of(identity.device) if identity.device else f"identity:{name}/{exports.GHOST}"
            for table in ("hub_identity", "hub_twin"):
                world.see(table, owner, "", identity, source=asset)
        world.see("hub", asset, "", Hub(weak, tuple(identities)))
        world.see("hub_certificate", asset, "certificate/device-ca", Hub(weak, tuple(identities)))
        for policy in POLICIES:
            world.see("hub_policy", asset, f"policy/{policy}", Policy(policy, weak))
