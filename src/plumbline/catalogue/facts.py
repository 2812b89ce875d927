"""What an importer reads: facts about products, releases and support periods, as the columns of the reference tables.

    Product     vendor/model, its other names, what it senses and speaks
    Release     one firmware release of a product
    Support     when the support of a product, or of a branch of it, ends
    AsOf        the day as of which a source says that all of it is right
    Unread      a record that was not taken, and why

Not where they are kept (`evidence.reference`) and not which of two contradicting facts holds (`ordering`). Rules: None means that the
source does not say; `source`, `dated_at` and `read_at` are set when a fact is read back from the store, but for `dated_at`, which an
importer sets where the record carries a date of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ReleaseState(StrEnum):
    """What has become of a release, the best first."""

    ACTIVE = "active"
    SUPERSEDED = "superseded"
    RETRACTED = "retracted"
    REVOKED = "revoked"

    @property
    def withdrawn(self) -> bool:
        """Whether its maker took it back."""
        return self in (ReleaseState.RETRACTED, ReleaseState.REVOKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One device model, or software product; columns of the reference table `product`."""

    product: str
    vendor: str | None = None
    model: str
    title: str | None = None
    aliases: tuple[str, ...] | None = None
    identifiers: tuple[str, ...] | None = None
    device_class: str | None = None
    sensors: tuple[str, ...] | None = None
    verticals: tuple[str, ...] | None = None
    protocols: tuple[str, ...] | None = None
    hardware: tuple[str, ...] | None = None
    url: str | None = None
    dated_at: datetime | None = None
    source: str = ""
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One firmware release of a product; columns of the reference table `release`."""

    product: str
    version: str
    record: str = ""  # '': product@version
    scheme: str | None = None
    sequence: int | None = None
    channel: str | None = None
    released_at: datetime | None = None
    state: str = ReleaseState.ACTIVE
    sha256: str | None = None
    sha512: str | None = None
    size_bytes: int | None = None
    url: str | None = None
    min_from: str | None = None
    max_from: str | None = None
    hardware: tuple[str, ...] | None = None
    fixes: tuple[str, ...] | None = None
    security_version: int | None = None
    notes: str | None = None
    dated_at: datetime | None = None
    source: str = ""
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """When the support of a product, or of one branch of it (`cycle`), ends; columns of the reference table `support`."""

    product: str
    cycle: str | None = None
    latest: str | None = None
    latest_at: datetime | None = None
    available_at: datetime | None = None
    sales_end_at: datetime | None = None
    security_ends_at: datetime | None = None
    ends_at: datetime | None = None
    ended: bool | None = None
    dated_at: datetime | None = None
    source: str = ""
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AsOf:
    """When a source says that what it says was right: its own date, and no record's."""

    moment: datetime


@dataclass(frozen=True, slots=True)
class Unread:
    """A record that an importer did not take: where it stands, and why."""

    where: str
    why: str


Fact = Product | Release | Support
TABLES: dict[type[Fact], str] = {Product: "product", Release: "release", Support: "support"}
