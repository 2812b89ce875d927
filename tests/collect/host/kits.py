"""Files of hostkit, made by hand or by the script itself on this machine, and what the collector makes of them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from plumbline.collect.host import collect
from plumbline.collect.host.kit import FORMAT, script
from plumbline.rig.models import Asset, Hostkit
from tests.collect.collecting import Collected, rig_of, run

Said = str | tuple[str, int]  # what a command gave, and how it ended: 0 where it is not said
HEAD = f"{FORMAT}\nby 0.1.0, at 2026-11-20T11:00:00Z, as 0\n"
SHELL = "plumbline 42 0\n"


def kit_text(said: Mapping[str, Said], *, end: bool = True) -> str:
    """Write a file as the script does."""
    sections = [HEAD]
    for command, given in {"shell": SHELL, **said}.items():
        text, code = given if isinstance(given, tuple) else (given, 0)
        lines = f"{text}\n={code}\n".split("\n")[:-1]
        sections.append(f"@ {command}\n" + "".join(f"|{line}\n" for line in lines) + "\n")
    return "".join(sections) + ("end\n" if end else "")


def collected(folder: Path, *kits: str | bytes | Path, asset: Asset | None = None) -> Collected:
    """Collect a rig of these files."""
    paths = []
    for number, kit in enumerate(kits):
        path = kit if isinstance(kit, Path) else folder / f"kit{number}.txt"
        if isinstance(kit, (str, bytes)):
            path.write_bytes(kit.encode() if isinstance(kit, str) else kit)
        paths.append(path)
    hostkits = tuple(Hostkit(path, asset.id if asset else None) for path in paths)
    return run(collect, replace(rig_of(folder), hostkits=hostkits, assets=(asset,) if asset else ()))


def of(folder: Path, **said: Said) -> Collected:
    """Collect one file that holds what some commands gave, and nothing of the others."""
    return collected(folder, kit_text(said))


def run_script(folder: Path, shell: Sequence[str], *, text: str | None = None, environment: Mapping[str, str] | None = None) -> Path:
    """Run the script on this machine with a shell; gives the file that it wrote."""
    made, out = folder / "hostkit.sh", folder / f"{Path(shell[0]).name}.txt"
    made.write_text(text or script(), encoding="ascii")
    ran = subprocess.run(
        [*shell, str(made), str(out)], capture_output=True, text=True, check=True, timeout=300, env={**os.environ, **(environment or {})}
    )
    assert ran.stdout == "" and ran.stderr == f"Wrote {out}. Look at it, then name it in [[hostkit]] of the rig file.\n"
    return out
