"""The picture of the rig, as geometry: bands for layers, one plumb line for each asset, a mark where the asset meets a layer.

    cloud          ─────●──────✕───────
    communication  ─────✕──────┼───────      an asset's line joins the layers in which it was seen
    devices        ─────✕──────●───────
                        └──one key─┘         a bracket ties assets that share what they should not

Not SVG (the template writes it) and not colours. Rules: all lengths are px of the drawing; every mark carries its words; more
than `COLUMNS_MAX` assets are drawn as one bar for each layer, with exact counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plumbline.model.words import Layer, Verdict
from plumbline.report.data import Asset, Link, Report
from plumbline.report.language import counted, told
from plumbline.report.tally import Tally
from plumbline.report.text import number
from plumbline.report.words import LAYERS, VERDICTS

COLUMNS_MAX = 40
LABEL_MAX = 20
LINKS_MAX = 6
GROUND = (Layer.CLOUD, Layer.COMMUNICATION, Layer.GATEWAY, Layer.DEVICE, Layer.UPDATE, Layer.FIRMWARE)  # the ground is at the bottom
BANDS = (Layer.RIG, *GROUND)  # what joins them is on top
_LEFT, _BAND, _GAP, _MARGIN = 138, 58, 8, 8
_LABELS, _BRACKET = 126, 30
_BAR_WIDTH, _JOIN = 640, 34


@dataclass(frozen=True, slots=True)
class Band:
    """A layer's strip."""

    label: str
    y: float
    height: float
    middle: float


@dataclass(frozen=True, slots=True)
class Mark:
    """One asset in one layer."""

    x: float
    y: float
    verdict: Verdict
    title: str


@dataclass(frozen=True, slots=True)
class Stem:
    """An asset's line, from its label down to the lowest layer in which it was seen."""

    x: float
    top: float
    bottom: float
    label: str
    full_label: str


@dataclass(frozen=True, slots=True)
class Bracket:
    """A tie between assets: the title of a check, and how many it ties."""

    label: str
    count: str
    y: float
    left: float
    right: float
    ticks: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """The drawing of a small rig; `links_left_out` ties did not fit."""

    width: float
    height: float
    bands: tuple[Band, ...]
    stems: tuple[Stem, ...]
    marks: tuple[Mark, ...]
    brackets: tuple[Bracket, ...]
    links_left_out: int
    words: str


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a bar with one verdict; `label` is empty where it would not fit."""

    x: float
    width: float
    verdict: Verdict
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class Bar:
    """All assets of one layer."""

    band: Band
    shares: tuple[Share, ...]
    total: str


@dataclass(frozen=True, slots=True)
class Join:
    """How many assets were seen in both of two layers."""

    x: float
    top: float
    bottom: float
    label: str


@dataclass(frozen=True, slots=True)
class Bars:
    """The drawing of a large rig."""

    width: float
    height: float
    bars: tuple[Bar, ...]
    joins: tuple[Join, ...]
    words: str


def draw(report: Report) -> Columns | Bars | None:
    """Lay the picture out; None when there is no asset."""
    if not report.assets:
        return None
    return _columns(report) if report.assets_count <= min(COLUMNS_MAX, len(report.assets)) else _bars(report)


def _band(layer: Layer, y: float) -> Band:
    return Band(LAYERS[layer], y, _BAND, y + _BAND / 2)


def _order(assets: Sequence[Asset]) -> list[int]:
    """Those that share layers stand together, by name within; the firmware band says least about kinship."""

    def key(index: int) -> tuple[tuple[bool, ...], str]:
        seen = assets[index].layers
        return tuple(layer not in seen for layer in (Layer.DEVICE, Layer.GATEWAY, Layer.COMMUNICATION, Layer.CLOUD)), assets[index].name

    return sorted(range(len(assets)), key=key)


def _words(asset: Asset, layer: Layer) -> str:
    tally = asset.layers[layer]
    counts = ((Verdict.FAIL, tally.failed), (Verdict.INCONCLUSIVE, tally.inconclusive), (Verdict.PASS, tally.passed))
    parts = [told("%(count)s %(verdict)s", count=count, verdict=VERDICTS[verdict]) for verdict, count in counts if count]
    verdicts = parts or [VERDICTS[Verdict.NOT_APPLICABLE]]
    return told("%(asset)s, %(layer)s: %(verdicts)s", asset=asset.name, layer=LAYERS[layer], verdicts=verdicts)


def _columns(report: Report) -> Columns:
    assets = report.assets
    step = 84 if len(assets) <= 8 else 62 if len(assets) <= 14 else 44 if len(assets) <= 24 else 32
    used = [layer for layer in BANDS if any(layer in asset.layers for asset in assets)]
    bands = {layer: _band(layer, _LABELS + n * (_BAND + _GAP)) for n, layer in enumerate(used)}
    places = {index: _LEFT + step * (n + 0.5) for n, index in enumerate(_order(assets))}
    stems, marks = [], []
    for index, x in places.items():
        asset = assets[index]
        met = [layer for layer in used if layer in asset.layers]
        marks += [Mark(x, bands[layer].middle, asset.layers[layer].verdict, _words(asset, layer)) for layer in met]
        short = asset.name if len(asset.name) <= LABEL_MAX else asset.name[: LABEL_MAX - 1] + "…"
        stems.append(Stem(x, _LABELS - 8, max((bands[layer].middle for layer in met), default=_LABELS), short, asset.name))
    below = _LABELS + len(bands) * (_BAND + _GAP)
    shown = [link for link in report.links if len(link.assets) > 1][:LINKS_MAX]
    return Columns(
        width=_LEFT + step * len(assets) + 86,
        height=below + len(shown) * _BRACKET + 14,
        bands=tuple(bands.values()),
        stems=tuple(stems),
        marks=tuple(marks),
        brackets=tuple(_bracket(link, below + 16 + n * _BRACKET, places) for n, link in enumerate(shown)),
        links_left_out=len(report.links) - len(shown),
        words=told(
            "%(assets)s %(over)s. The coverage map below says the same as a table.",
            assets=counted("%(num)s asset", "%(num)s assets", len(assets)),
            over=counted("over %(num)s layer", "over %(num)s layers", len(bands)),
        ),
    )


def _bracket(link: Link, y: float, places: Mapping[int, float]) -> Bracket:
    ticks = tuple(sorted(places[index] for index in link.assets))
    return Bracket(link.title, counted("%(num)s asset", "%(num)s assets", len(ticks)), y, ticks[0], ticks[-1], ticks)


def _bars(report: Report) -> Bars:
    counts = {entry.layer: entry.assets for entry in report.layers}
    used = [layer for layer in BANDS if layer in counts]
    most = max((_size(counts[layer]) for layer in used), default=1)
    bands = {layer: _band(layer, _MARGIN + n * (_BAND + _GAP)) for n, layer in enumerate(used)}
    joins = [join for join in report.joins if join.upper in bands and join.lower in bands]
    left = _LEFT + _BAR_WIDTH + 110
    return Bars(
        width=left + len(joins) * _JOIN + 8,
        height=_MARGIN * 2 + len(bands) * (_BAND + _GAP),
        bars=tuple(_bar(band, counts[layer], most) for layer, band in bands.items()),
        joins=tuple(
            Join(left + n * _JOIN, bands[join.upper].middle, bands[join.lower].middle, number(join.assets)) for n, join in enumerate(joins)
        ),
        words=counted(
            "%(num)s asset, counted by layer and worst verdict; lines at the right count assets in two layers.",
            "%(num)s assets, counted by layer and worst verdict; lines at the right count assets in two layers.",
            report.assets_count,
        ),
    )


def _size(tally: Tally) -> int:
    return tally.asked + tally.not_applicable


def _bar(band: Band, counts: Tally, most: int) -> Bar:
    return Bar(band, _shares(band.label, counts, most), counted("%(num)s asset", "%(num)s assets", _size(counts)))


def _shares(label: str, counts: Tally, most: int) -> tuple[Share, ...]:
    shares, x = [], float(_LEFT)
    parts = (
        (Verdict.FAIL, counts.failed),
        (Verdict.INCONCLUSIVE, counts.inconclusive),
        (Verdict.PASS, counts.passed),
        (Verdict.NOT_APPLICABLE, counts.not_applicable),
    )
    for verdict, count in parts:
        if count:
            width = max(3.0, _BAR_WIDTH * count / most)
            assets = counted("%(num)s asset", "%(num)s assets", count)
            title = told("%(layer)s: %(assets)s, %(verdict)s", layer=label, assets=assets, verdict=VERDICTS[verdict])
            shares.append(Share(x, width, verdict, number(count) if width >= 40 else "", title))
            x += width
    return tuple(shares)
