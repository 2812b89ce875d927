"""What an audit with the lab's catalogue makes of the IoT Edge runtime: nothing, since that catalogue does not know it."""

from __future__ import annotations

from plumbline.lab.truth.world import World


def see(world: World) -> None:
    """Note the two system modules of each deployment."""
    if not world.catalogue:
        return
    for attempt in list(world.attempts["edge_module"]):
        world.attempt("edge_runtime", attempt.asset, attempt.subject, attempt.outcome)
    for sight in world.sights["edge_module"]:
        if sight.subject in ("module/edgeAgent", "module/edgeHub"):
            world.see("edge_runtime", sight.asset, sight.subject, None)
