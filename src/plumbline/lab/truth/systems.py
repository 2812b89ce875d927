"""What an audit finds in the gateways' hostkit files."""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.lab.fleet import Weak
from plumbline.lab.truth.world import World

TABLES = (
    *("component", "system", "system_account", "system_container", "system_firewall", "system_interface", "system_key", "system_service"),
    *("system_setting", "system_socket", "system_update"),
)
ACCOUNTS = ("root", "operator", "support")
ENGINE = "engine_socket./var/run/docker.sock"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a system, by what it is called, and the switches that made it; only the part that a weakness is about may have it."""

    name: str
    weak: Weak

    def has(self, part: str, weakness: str) -> bool:
        """Say whether it is that part, and weak."""
        return self.name == part and self.weak(f"system.{weakness}")


def see(world: World) -> None:
    """Note everything about both files; the rig file says on which gateway each was written."""
    for switched in (True, False):
        weak, asset = world.fleet.weak(switched=switched), world.asset_of(world.fleet.twin("gateway", switched=switched))
        for table in TABLES:
            world.attempt(table, asset)
        inside = "0.0.0.0" if weak("system.internal_service_on_network") else "127.0.0.1"
        engine = "none" if weak("system.firewall_open") else "nftables"
        parts = {
            "system": {"": ""},
            "system_account": {f"account/{name}": name for name in ACCOUNTS},
            "system_firewall": {f"firewall/{engine}": "firewall"},
            "system_setting": {f"setting/{name}": name for name in ("ssh.permitrootlogin", "ssh.passwordauthentication", ENGINE)},
            "system_socket": {"tcp/2222/0.0.0.0": "ssh", f"tcp/6379/{inside}": "store"},
            "system_update": {"": "updates"},
        }
        for table, subjects in parts.items():
            for subject, name in subjects.items():
                world.see(table, asset, subject, Part(name, weak))
