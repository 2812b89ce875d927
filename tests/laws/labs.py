"""The lab as a customer's rig, for the tests of the laws: at a base of its own for each test process."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from plumbline.lab import rigfile
from plumbline.lab.keys import private_key, private_pem
from plumbline.lab.lab import Lab, running
from plumbline.lab.switches import Switches
from plumbline.rig.signature import sign
from tests.lab.conftest import free_base


@contextmanager
def lab_rig(folder: Path, *, subset: Collection[str], intrusion: str = "session") -> Iterator[tuple[Lab, Path]]:
    """Run some of the lab's devices and write their rig file into `folder/rig`; gives both."""
    with running(Switches(), at=datetime.now(UTC), base=free_base(), subset=subset) as lab:
        yield lab, write_rig(lab, folder / "rig", intrusion)


def write_rig(lab: Lab, folder: Path, intrusion: str) -> Path:
    """Write the lab's rig with another intrusion, signed anew by its owner."""
    path = rigfile.write(lab.fleet, folder)
    change(path, 'intrusion = "credential"', f'intrusion = "{intrusion}"')
    return path


def change(path: Path, old: str, new: str) -> None:
    """Change one thing in a lab's rig file and have its owner sign it again."""
    text = path.read_text()
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path.name}"
    path.write_text(text.replace(old, new))
    sign(path, private_pem(private_key("ed25519", "lab owner")), rigfile.OWNER, datetime.now(UTC))
