"""What the customer says exists: the [[asset]] entries of the rig file as rows, so that checks can hold collectors' sight against them."""

from __future__ import annotations

from plumbline.collect.context import Context
from plumbline.model.entities import Entity
from plumbline.model.words import Criticality, DeviceClass, EntityKind, Outcome
from plumbline.rig.models import Asset, Rig


def collect(context: Context) -> None:
    """Write one row for each declared asset; an asset with several addresses gets one more row for each further one."""
    at = context.now()
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


def site_of(rig: Rig, asset: Asset) -> str:
    """Say where an asset stands: as the customer says, else where its address lies, else the rig's only site."""
    if asset.site is not None:
        return asset.site
    holding = {network.site for address in asset.addresses for network in rig.networks_of(address)}
    known = holding or {network.site for network in rig.networks}
    return known.pop() if len(known) == 1 else ""
