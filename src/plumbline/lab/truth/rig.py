"""What the rig file itself says: its declared assets."""

from __future__ import annotations

from plumbline.lab.rigfile import RIG_ID
from plumbline.lab.truth.world import World


def see(world: World) -> None:
    """Note every declared asset, and that custom parts were declared."""
    world.attempt("custom_part", f"rig:/{RIG_ID}")
    for device in world.fleet.devices:
        if device.declared:
            world.see("declared_asset", world.asset_of(device), "", device)
            world.attempt("declared_asset", world.asset_of(device))
