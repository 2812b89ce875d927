"""Claims: who says which model a device is, and which firmware it runs.

    claims/<name>.toml
        says        who says it, in words, as in "its web page says 1.4.2"
        method      how whoever says it came to know: a `Method`
        about       what is read, and what it is worth
        query       a SELECT of asset, subject, model, version, of, sources, observed_at over the views of the evidence and `reference`;
                    `of`: the product whose version it is, where that is not the device itself

Adding a source of claims means adding a file. Not which claim is believed (`belief`). Rules: claims are made of devices alone, that is of
assets that were declared, seen on the network or seen from inside, never of a hub's millions of identities; of one device and source at
most CLAIMS_MAX count, since a device may say anything on each of its ports. Besides the evidence a query may read `served_device`: devices
of update services that are certainly one of these, by what identifies it for good: an address may be that of a router in between.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from pathlib import Path

from plumbline.evidence.engine import Connection
from plumbline.model.errors import InternalError

SOURCES = Path(__file__).with_name("claims")
TEXT_MAX = 200  # characters of a version or a model; what is longer is none
CLAIMS_MAX = 40
_COLUMNS = ("asset", "subject", "model", "version", '"of"', "sources", "observed_at")


class Method(StrEnum):
    """How a claim was come by, the most independent of the device first."""

    DECLARED = "declared"  # the customer says it, of models alone
    HOST_EVIDENCE = "host_evidence"  # read from inside: packages, files, hardware
    FINGERPRINT = "fingerprint"  # inferred from what only that release shows
    OWN_WORD = "own_word"  # the device says it of itself
    UPDATE_SERVICE = "update_service"  # the service that updates it says it
    IMAGE = "image"  # an image was supplied for its model

    @property
    def trust(self) -> int:
        """5 is the most independent, 0 says nothing of this one device."""
        return len(Method) - 1 - list(Method).index(self)


@dataclass(frozen=True, slots=True)
class ClaimSource:
    """One file of claims/."""

    name: str
    says: str
    method: Method
    about: str
    query: str


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim about a device. Times are aware and UTC; `of` None: the version is the device's own."""

    asset: str
    source: str  # name of the ClaimSource
    subject: str
    method: Method
    says: str
    model: str | None
    version: str | None
    of: str | None
    sources: tuple[str, ...]
    claimed_at: datetime


@cache
def load_sources() -> Mapping[str, ClaimSource]:
    """All sources of claims by name; raises InternalError naming the file of a bad one."""
    found = {}
    for path in sorted(SOURCES.glob("*.toml")):
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
            found[path.stem] = ClaimSource(name=path.stem, method=Method(data.pop("method")), **data)
        except (KeyError, ValueError, TypeError) as error:
            raise InternalError(f"claims/{path.name}: {error!r}") from error
    return found


def define_devices(connection: Connection) -> None:
    """Make `device`, the assets that were declared or seen, with one entity of each; and `served_device`."""
    connection.execute(
        """
        create or replace temp table device as
        select asset, coalesce(min(entity) filter (kind = 'declared'), min(entity) filter (kind = 'host'), min(entity)) as entity
        from known.entity where kind in ('declared', 'host', 'system') group by asset
        """
    )
    connection.execute(
        """
        create or replace temp table served_device as
        with called as (
          select asset, hub_device_id as name from declared_asset union select asset, id from declared_asset
          union select asset, mac from declared_asset union select asset, mac from host union select asset, serial from system
          union select asset, unnest([device_id, serial, mac]) from hub_twin where subject = '' and asset in (select asset from device)
          union select asset, device_id from hub_identity where subject = '' and asset in (select asset from device)
        ), named as (
          select row_id, unnest([device_id, serial, mac]) as name from update_service_device
        ), matched as (
          select n.row_id, min(c.asset) as asset from named n join called c on c.name = n.name
          group by n.row_id having count(distinct c.asset) = 1
        )
        select m.asset, u.* exclude (asset) from update_service_device u join matched m on m.row_id = u.row_id
        """
    )


def gather(connection: Connection) -> list[Claim]:
    """Run every source over the devices of a rig; `define_devices` must have been called."""
    found = []
    for source in load_sources().values():
        rows = connection.execute(
            f"""
            select {", ".join(_COLUMNS)} from ({source.query}) q
            where asset in (select asset from device) and coalesce(nullif(trim(version), ''), nullif(trim(model), '')) is not null
              and coalesce(length(version), 0) <= {TEXT_MAX} and coalesce(length(model), 0) <= {TEXT_MAX}
            qualify row_number() over (partition by asset order by subject, version, model, "of", observed_at desc, sources) <= {CLAIMS_MAX}
            order by all
            """
        ).fetchall()
        for asset, subject, model, version, of, sources, observed_at in rows:
            said = {"model": (model or "").strip() or None, "version": (version or "").strip() or None, "of": of}
            found.append(
                Claim(asset, source.name, subject, source.method, source.says, sources=tuple(sources), claimed_at=observed_at, **said)
            )
    return found
