"""What the customer says exists, as rows, so that what collectors see can be held against them.

[[asset]]           declared_asset: a row for each asset, and one more for each further address
[[custom]]          custom_part: a row for each part, and one more for each further image
[[population]]      population: a row for each model
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from plumbline.collect.context import Context
from plumbline.collect.file_names import as_in_rig
from plumbline.model.entities import Entity
from plumbline.model.words import Criticality, DeviceClass, EntityKind, Outcome
from plumbline.rig.models import Asset, Custom, Rig


def collect(context: Context) -> None:
    """Write the rows of all three."""
    at = context.now()
    _custom_parts(context, at)
    _populations(context, at)
    with context.writer.batch() as batch:
        for asset in context.rig.assets:
            entity = Entity.of(EntityKind.DECLARED, site_of(context.rig, asset), asset.id)
            if context.writer.attempted(entity, "declared_asset"):
                continue
            addresses: list[str | None] = [str(address) for address in asset.addresses] or [None]
            for address in addresses:
                batch.row(
                    "declared_asset",
                    entity,
                    "" if address in (addresses[0], None) else f"address/{address}",
                    observed_at=at,
                    id=asset.id,
                    name=asset.name,
                    address=address,
                    mac=asset.mac,
                    model=asset.model,
                    hub_device_id=asset.hub_device_id,
                    criticality=(asset.criticality or Criticality.MEDIUM).value,
                    safety=asset.safety,
                    **{"class": (asset.device_class or DeviceClass.IT).value},
                )
            batch.coverage(entity, "declared_asset", outcome=Outcome.OK, rows=len(addresses), started_at=at, ended_at=at)


def _custom_parts(context: Context, at: datetime) -> None:
    rig = context.rig
    entity = Entity.of(EntityKind.RIG, "", rig.id)
    if not rig.customs or context.writer.attempted(entity, "custom_part"):
        return
    with context.writer.batch() as batch:
        rows = 0
        for custom in rig.customs:
            for number, columns in enumerate(_pieces(custom, rig)):
                subject = f"part/{custom.name}" + (f"/{number}" if number else "")
                batch.row("custom_part", entity, subject, observed_at=at, name=custom.name, **columns)
                rows += 1
        batch.coverage(entity, "custom_part", outcome=Outcome.OK, rows=rows, started_at=at, ended_at=at)


def _populations(context: Context, at: datetime) -> None:
    rig = context.rig
    entity = Entity.of(EntityKind.RIG, "", rig.id)
    if not rig.populations or context.writer.attempted(entity, "population"):
        return
    with context.writer.batch() as batch:
        for one in rig.populations:
            subject = f"model/{one.model}"
            batch.row("population", entity, subject, observed_at=at, model=one.model, size=one.size, random=one.random)
        batch.coverage(entity, "population", outcome=Outcome.OK, rows=len(rig.populations), started_at=at, ended_at=at)


def _pieces(custom: Custom, rig: Rig) -> Iterator[dict[str, str]]:
    """Give what a part is made of: its images, or its module, or its code."""
    for path in custom.firmware:
        yield {"kind": "firmware", "path": as_in_rig(path, rig.path)}
    if custom.module is not None:
        yield {"kind": "module", "module": custom.module}
    if custom.code is not None:
        yield {"kind": "code", "path": as_in_rig(custom.code, rig.path)}


def site_of(rig: Rig, asset: Asset) -> str:
    """Say where an asset stands: as the customer says, else where its address lies, else the rig's only site."""
    if asset.site is not None:
        return asset.site
    holding = {network.site for address in asset.addresses for network in rig.networks_of(address)}
    known = holding or {network.site for network in rig.networks}
    return known.pop() if len(known) == 1 else ""
