"""What an audit finds in the lab's firmware images."""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.lab.files import firmware
from plumbline.lab.fleet import Weak, firmware_key
from plumbline.lab.rigfile import SIDES
from plumbline.lab.truth.services import wire_keys
from plumbline.lab.truth.world import World


@dataclass(frozen=True, slots=True)
class Image:
    """One image and the switches that made it."""

    weak: Weak


@dataclass(frozen=True, slots=True)
class Account:
    """One account: how its password is kept."""

    state: str  # locked, empty, hash
    weak_scheme: bool = False
    shared: bool = False  # another account has the same


@dataclass(frozen=True, slots=True)
class Key:
    """One private key; `on_wire` when a device shows its public half."""

    on_wire: bool


def see(world: World) -> None:
    """Note everything about both images, and their bills of materials."""
    for switched, side in SIDES.items():
        bill = f"sbom:/{side}.cdx.json"
        for table in ("sbom", "component"):
            world.attempt(table, bill)
        weak = world.fleet.weak(switched=switched)
        world.see("sbom", bill, "", Image(weak))
        asset = f"image:/{firmware.name_of(world.fleet.twin('camera', switched=switched))}"
        for table in (
            "image",
            "image_account",
            "image_certificate",
            "image_file",
            "image_kernel",
            "image_key",
            "image_part",
            "image_program",
            "image_secret",
            "image_signature",
            "image_update",
            "component",
        ):
            world.attempt(table, asset)
        world.see("image", asset, "", Image(weak))
        world.see("image_certificate", asset, firmware.CERTIFICATE, Image(weak))
        world.see("image_kernel", asset, f"kernel/{firmware.KERNEL}", Image(weak))
        world.see("image_update", asset, "update/swupdate", Image(weak))
        for name, *_ in firmware.ACCOUNTS:
            world.see("image_account", asset, f"account/{name}", _account(name, weak))
        shown = wire_keys(world)
        if weak("image.private_key_in_image"):
            world.see("image_key", asset, "/etc/ssl/private/server.key", Key(("ec", firmware_key(switched=switched)) in shown))
        if weak("image.ssh_host_key_in_image"):
            world.see("image_key", asset, "/etc/ssh/ssh_host_ed25519_key", Key(on_wire=False))


def _account(name: str, weak: Weak) -> Account:
    if name == "root" and weak("image.password_hash_in_image"):
        return Account("hash")
    if name == "service" and weak("image.weak_password_hash"):
        return Account("hash", weak_scheme=True)
    if name in ("installer", "upgrade") and weak("image.shared_password_hash"):
        return Account("hash", shared=True)
    if name == "support" and weak("image.empty_password_in_image"):
        return Account("empty")
    return Account("locked")
