"""Images and archives of [[custom]] are read like those of [[firmware]]; each once, and under its model where it is listed with one."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from pathlib import Path

from plumbline.collect.firmware import collect
from plumbline.rig.models import Custom, Firmware
from tests.collect.collecting import rig_of, run
from tests.collect.firmware.making import image


def test_custom_images_and_archives_are_read_and_folders_are_not(tmp_path: Path) -> None:
    for name in ("own.bin", "listed.bin"):
        (tmp_path / name).write_bytes(image({"/etc/os-release": f"NAME={name}\n".encode()}))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("function/main.py", "print()\n")
    (tmp_path / "alarm.zip").write_bytes(archive.getvalue())
    (tmp_path / "code").mkdir()
    parts = (
        Custom("own firmware", (tmp_path / "own.bin", tmp_path / "listed.bin"), None, None),
        Custom("alarm", (), None, tmp_path / "alarm.zip"),
        Custom("folder", (), None, tmp_path / "code"),
        Custom("reader", (), "reader", None),
    )
    rig = dataclasses.replace(rig_of(tmp_path, firmware=(Firmware(tmp_path / "listed.bin", "n/cam"),)), customs=parts)
    seen = run(collect, rig)
    assert sorted((row["path"], row["model"]) for row in seen.rows("image")) == [
        ("alarm.zip", None),
        ("listed.bin", "n/cam"),
        ("own.bin", None),
    ]
