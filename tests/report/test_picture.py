"""The picture: everything inside its frame, every mark with its words, exact where it sums up."""

from __future__ import annotations

import dataclasses

import pytest

from plumbline.model.words import Layer, Verdict
from plumbline.report import picture
from plumbline.report.data import Link
from tests.report import rigs


@pytest.mark.parametrize("assets", [1, 2, 8, 12, 24, 40])
def test_a_small_rig_is_drawn_asset_by_asset(assets: int) -> None:
    report = rigs.rig(assets)
    drawn = picture.draw(report)
    assert isinstance(drawn, picture.Columns)
    assert len(drawn.stems) == assets
    assert len({stem.x for stem in drawn.stems}) == assets
    assert len(drawn.marks) == sum(layer in picture.BANDS for asset in report.assets for layer in asset.layers)
    assert all(0 < mark.x < drawn.width and 0 < mark.y < drawn.height for mark in drawn.marks)
    assert all(bracket.y + 16 <= drawn.height for bracket in drawn.brackets)


def test_a_mark_says_its_asset_layer_and_counts() -> None:
    report = rigs.rig(12)
    drawn = picture.draw(report)
    assert isinstance(drawn, picture.Columns)
    [asset] = [asset for asset in report.assets if asset.name == "northwind hub"]
    [title] = [mark.title for mark in drawn.marks if mark.title.startswith("northwind hub")]
    assert title.startswith(f"northwind hub, Cloud: {asset.layers[Layer.CLOUD].failed} wrong")


def test_the_ground_is_at_the_bottom() -> None:
    drawn = picture.draw(rigs.rig(12))
    assert isinstance(drawn, picture.Columns)
    assert (drawn.bands[0].label, drawn.bands[-1].label) == ("Across layers", "Firmware")
    assert [band.y for band in drawn.bands] == sorted(band.y for band in drawn.bands)


def test_ties_that_do_not_fit_are_counted() -> None:
    many = dataclasses.replace(rigs.rig(12), links=tuple(Link(f"tie {n}", (0, n % 11 + 1)) for n in range(10)))
    drawn = picture.draw(many)
    assert isinstance(drawn, picture.Columns)
    assert (len(drawn.brackets), drawn.links_left_out) == (picture.LINKS_MAX, 10 - picture.LINKS_MAX)


@pytest.mark.parametrize("assets", [41, 1000])
def test_a_large_rig_is_summed_up_exactly(assets: int) -> None:
    report = rigs.rig(assets)
    drawn = picture.draw(report)
    assert isinstance(drawn, picture.Bars)
    by_label = {bar.band.label: bar for bar in drawn.bars}
    devices = [asset.layers[Layer.DEVICE].verdict for asset in report.assets if Layer.DEVICE in asset.layers]
    assert by_label["Devices"].total == f"{len(devices):,} assets"
    [wrong] = [share.title for share in by_label["Devices"].shares if share.verdict is Verdict.FAIL]
    assert wrong == f"Devices: {devices.count(Verdict.FAIL):,} assets, wrong"
    assert all(share.x + share.width <= drawn.width for bar in drawn.bars for share in bar.shares)


def test_a_sample_is_never_drawn_as_the_whole() -> None:
    sample = dataclasses.replace(rigs.rig(12), assets_count=5_000)
    assert isinstance(picture.draw(sample), picture.Bars)


def test_no_asset_no_picture() -> None:
    assert picture.draw(dataclasses.replace(rigs.rig(1), assets=(), assets_count=0)) is None
