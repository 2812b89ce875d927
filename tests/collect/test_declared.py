"""Declared assets as rows: where each stands, so that its address means the same as a host's."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.collect.context import Context
from plumbline.collect.declared import collect
from plumbline.evidence.bundle import BundleWriter
from tests.laws.bundles import rows
from tests.net.rigs import NOON, make_rig, rig_text

TWO_SITES = '[[network]]\nname = "other"\nsite = "there"\nranges = ["127.1.0.0/24"]\nports = [80]\n'
CASES = {
    "as the customer says": ('address = "127.0.0.7"\nsite = "there"', TWO_SITES, "there"),
    "by its address": ('address = "127.1.0.7"', TWO_SITES, "there"),
    "the rig's only site": ('mac = "24:a4:3c:10:00:01"', "", "here"),
    "nobody can tell": ('mac = "24:a4:3c:10:00:01"', TWO_SITES, ""),
}


@pytest.mark.parametrize(("said", "more", "site"), CASES.values(), ids=CASES.keys())
def test_where_an_asset_stands(tmp_path: Path, said: str, more: str, site: str) -> None:
    text = rig_text(networks=["127.0.0.0/8"], ranges=["127.0.0.0/24"], rest=f'{more}[[asset]]\nid = "cam"\nname = "cam"\n{said}\n')
    rig = make_rig(tmp_path, text)
    writer = BundleWriter.create(tmp_path / "bundle", rig_text=text, header={"rig": {"id": rig.id}}, now=NOON)
    collect(Context(rig, writer, b"k" * 32, lambda: NOON, lambda *_: None, lambda: False))
    writer.finish(ended_at=NOON, complete=True)
    assert [row["entity"] for row in rows(tmp_path / "bundle", "declared_asset")] == [f"declared:{site}/cam"]


def test_populations_stand_with_their_model(tmp_path: Path) -> None:
    text = rig_text(rest='[[population]]\nmodel = "northwind/cam-3"\nsize = 200\ndrawn = "random"\n')
    rig = make_rig(tmp_path, text)
    writer = BundleWriter.create(tmp_path / "bundle", rig_text=text, header={"rig": {"id": rig.id}}, now=NOON)
    collect(Context(rig, writer, b"k" * 32, lambda: NOON, lambda *_: None, lambda: False))
    writer.finish(ended_at=NOON, complete=True)
    [row] = rows(tmp_path / "bundle", "population")
    assert (row["subject"], row["model"], row["size"], row["random"]) == ("model/northwind/cam-3", "northwind/cam-3", 200, True)


def test_custom_parts_stand_as_what_they_are_made_of(tmp_path: Path) -> None:
    for name in ("cam-1.bin", "cam-2.bin", "alarm.zip"):
        (tmp_path / name).write_bytes(b"x")
    parts = {"camera firmware": 'firmware = "cam-*.bin"', "reader": 'module = "reader"', "alarm function": 'code = "alarm.zip"'}
    text = rig_text(rest="".join(f'[[custom]]\nname = "{name}"\n{what}\n' for name, what in parts.items()))
    rig = make_rig(tmp_path, text)
    writer = BundleWriter.create(tmp_path / "bundle", rig_text=text, header={"rig": {"id": rig.id}}, now=NOON)
    for _ in range(2):  # a resumed run adds none
        collect(Context(rig, writer, b"k" * 32, lambda: NOON, lambda *_: None, lambda: False))
    writer.finish(ended_at=NOON, complete=True)
    assert [(row["subject"], row["kind"], row["path"] or row["module"]) for row in rows(tmp_path / "bundle", "custom_part")] == [
        ("part/camera firmware", "firmware", "cam-1.bin"),
        ("part/camera firmware/1", "firmware", "cam-2.bin"),
        ("part/reader", "module", "reader"),
        ("part/alarm function", "code", "alarm.zip"),
    ]
