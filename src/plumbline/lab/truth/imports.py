"""What the files of another scanner say of the lab's routers."""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.lab.files import imports
from plumbline.lab.rigfile import SIDES
from plumbline.lab.truth.world import World
from plumbline.model.words import Verdict


@dataclass(frozen=True, slots=True)
class Told:
    """One result of another tool: what it says; None: it is for information."""

    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Opened:
    """One port that another tool saw open; `served` says that it is, `asked` that a sweep of the audit asks it."""

    served: bool
    asked: bool


def see(world: World) -> None:
    """Note both files."""
    for switched, side in SIDES.items():
        file = f"import:/{side}.nessus"
        for table in ("imported_service", "imported_finding"):
            world.attempt(table, file)
        device = world.fleet.twin("router", switched=switched)
        router, weak = world.asset_of(device), world.fleet.weak(switched=switched)
        asked = device in world.within
        setting = Verdict.FAIL if weak("import.imported_finding_open") else Verdict.PASS
        opened = [imports.SERVED] + [imports.GONE] * weak("import.service_unseen_by_us")
        for port in opened:
            world.see("imported_service", router, f"tcp/{port}", Opened(asked and port == imports.SERVED, asked), source=file)
            world.see("imported_finding", router, f"nessus/{imports.BANNER}/tcp/{port}", Told(None), source=file)
        world.see("imported_finding", router, f"nessus/{imports.AUDIT}:{imports.SETTING}", Told(setting), source=file)
