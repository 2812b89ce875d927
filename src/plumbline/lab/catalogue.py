"""What the lab's world knows of the products in it, as values: their releases, their support, and what advisories say of them.

All of it is invented, as the products are. Not how it is handed over (`files.vendor`), nor which device runs what (`fleet`). Rules:
releases stand oldest first; what is not listed here nobody knows, so the brokers and the hidden things are in no catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

VENDOR = "Northwind"


@dataclass(frozen=True, slots=True)
class Release:
    """One release, published some days before the lab's day."""

    version: str
    days_ago: int
    retracted: bool = False
    mends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Period:
    """How long a branch, or with None the whole product, gets fixes: days from the lab's day, below 0 for an end that has passed."""

    branch: str | None
    days: int


@dataclass(frozen=True, slots=True)
class Advisory:
    """One vulnerability: every release before `mended_in` has it."""

    id: str
    title: str
    mended_in: str
    cvss: str
    score: float
    days_ago: int


@dataclass(frozen=True, slots=True)
class Product:
    """One product of the catalogue; `model` is as devices state it."""

    model: str
    title: str
    device_class: str
    releases: tuple[Release, ...]
    support: tuple[Period, ...]
    advisories: tuple[Advisory, ...] = ()

    def position(self, version: str) -> int | None:
        """Give the place of a version among the releases; None for one that is not listed."""
        return next((at for at, release in enumerate(self.releases) if release.version == version), None)


_NEWEST = Release("1.4.2", 200)
_SUPPORTED = (Period(None, 900),)
_INTERVAL = Advisory(
    "NW-2026-001",
    "The measuring interval can be set without a login",
    mended_in="1.4.2",
    cvss="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:L",
    score=8.2,
    days_ago=190,
)
_SPOOLER = Advisory(  # the newest: a vendor that has said nothing for long is not fresh
    "NW-2026-002",
    "The spooler stops at a label that is too wide",
    mended_in="1.4.1",
    cvss="CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:L",
    score=4.3,
    days_ago=12,
)

_SOLD = (
    # The weak twins' models: what their switches move is which of these releases they run.
    Product("northwind/cam-3", "Camera", "camera", (Release("1.4.0", 400), _NEWEST), _SUPPORTED),
    Product("northwind/rtr-3", "Router", "router", (_NEWEST,), _SUPPORTED),
    Product("northwind/plc-3", "Controller", "plc", (_NEWEST,), _SUPPORTED),
    Product(
        "northwind/bms-3", "Building controller", "controller", (Release("1.2.0", 1500), _NEWEST), (Period("1.2", -30), Period("1.4", 700))
    ),
    Product(
        "northwind/sensor-3",
        "Sensor node",
        "sensor",
        (Release("1.3.0", 500), Release("1.4.2", 200, mends=("NW-2026-001",))),
        _SUPPORTED,
        (_INTERVAL,),
    ),
    Product("northwind/edge-gw-3", "Edge gateway", "gateway", (Release("1.4.0", 300), Release("1.4.2", 120)), _SUPPORTED),
    Product(
        "northwind/printer-3",
        "Label printer",
        "printer",
        (Release("1.4.0", 400), Release("1.4.1", 230, retracted=True), _NEWEST),
        _SUPPORTED,
        (_SPOOLER,),
    ),
    # The hardened twins': one release before, and the newest.
    *(
        Product(f"northwind/{stem}-4", title, device_class, (Release("2.0.0", 600), Release("2.0.1", 100)), _SUPPORTED)
        for stem, title, device_class in (
            ("cam", "Camera", "camera"),
            ("rtr", "Router", "router"),
            ("plc", "Controller", "plc"),
            ("bms", "Building controller", "controller"),
            ("sensor", "Sensor node", "sensor"),
            ("edge-gw", "Edge gateway", "gateway"),
            ("printer", "Label printer", "printer"),
        )
    ),
)

PRODUCTS: Mapping[str, Product] = {product.model: product for product in _SOLD}
