"""What an audit reads in the lab's deployment manifests."""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.lab.fleet import Weak
from plumbline.lab.truth.world import World

MODULES = ("collector", "edgeAgent", "edgeHub", "relay")


@dataclass(frozen=True, slots=True)
class Deployment:
    """One manifest and the switches that made it."""

    weak: Weak


@dataclass(frozen=True, slots=True)
class Module:
    """One module; the collector and the relay may be weak."""

    name: str
    weak: Weak

    def has(self, weakness: str) -> bool:
        """Say whether it has one of the weaknesses of a container."""
        if self.name == "relay":  # whoever holds the engine's socket sees the host's folders
            return weakness in ("docker_socket_mounted", "sensitive_host_path_mounted") and self.weak("edge.docker_socket_mounted")
        return self.name == "collector" and weakness != "docker_socket_mounted" and self.weak(f"edge.{weakness}")


def see(world: World) -> None:
    """Note everything about both manifests; the rig file says which gateway each is for."""
    for switched in (True, False):
        weak, asset = world.fleet.weak(switched=switched), world.asset_of(world.fleet.twin("gateway", switched=switched))
        for table in ("edge_deployment", "edge_module", "edge_registry"):
            world.attempt(table, asset)
        world.see("edge_deployment", asset, "", Deployment(weak))
        world.see("edge_registry", asset, "registry/northwind", Deployment(weak))
        for name in MODULES:
            world.see("edge_module", asset, f"module/{name}", Module(name, weak))
