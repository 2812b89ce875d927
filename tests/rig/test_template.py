"""The first rig file loads as it is, permits nothing, and shows every key."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel

from plumbline.rig import schema
from plumbline.rig.loading import load
from plumbline.rig.ports import named_sets
from plumbline.rig.template import init_text
from tests.rig.rigs import NOW, write


def test_it_loads_as_it_is(tmp_path: Path) -> None:
    assert load(write(tmp_path, init_text())).id == "my-rig"


MORE = ("sbom/cam-1.4.2.cdx.json", "hostkit/gateway.txt", "updates/targets.json", "functions/alarm.zip")
IMPORTED = ("earlier/a.xml", "code/camera.sarif")
BY_HAND = ("manual/walk.toml", "declarations/cam.toml")


def test_it_permits_nothing_until_it_is_filled_in(tmp_path: Path) -> None:
    assert load(write(tmp_path, init_text())).authorisation.valid_until < NOW


def test_its_examples_load_too_once_their_files_exist(tmp_path: Path) -> None:
    for name in (
        "captures/a.pcap",
        "images/cam-1.4.2.bin",
        "edge/deployment.json",
        "azure/hub.arm.json",
        "azure/devices.jsonl",
        *MORE,
        *IMPORTED,
        *BY_HAND,
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    whole = re.sub(r"^# (\[|[a-z_]+ = )", r"\1", init_text(), flags=re.MULTILINE).replace("public = true\n", "")
    whole = (
        whole.replace('intrusion = "query"', 'intrusion = "session"')
        .replace('["gateway-*"]', '["dock-*"]')
        .replace("router-1", "dock-cam-1")
    )
    rig = load(write(tmp_path, whole))
    assert (len(rig.captures), len(rig.assets), len(rig.authorisation.windows)) == (1, 1, 1)
    assert (len(rig.manuals), len(rig.declarations)) == (1, 1)
    assert (len(rig.logins), len(rig.customs), len(rig.populations), len(rig.sboms), len(rig.hostkits)) == (2, 3, 1, 1, 1)
    assert [one.kind for one in rig.imports] == ["nmap", "sarif"]


def test_it_shows_every_key(tmp_path: Path) -> None:
    text = init_text()
    shapes = [
        shape
        for shape in vars(schema).values()
        if isinstance(shape, type) and issubclass(shape, BaseModel) and shape.__module__ == schema.__name__
    ]
    keys = {info.alias or name for shape in shapes for name, info in shape.model_fields.items()} - {"live"}
    assert {key for key in keys if not re.search(rf"\b{key} = ", text)} == set()


def test_it_names_every_set_of_ports() -> None:
    assert all(re.search(rf"\b{name}\b", init_text()) for name in named_sets())
