"""The rows of `update_step`: how each device that something is wrong with comes to the newest release.

Not when (`planning`). Rules: a device whose state is current or unknown has none; an image that the customer supplied counts as the release
when its digest is the release's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from plumbline.catalogue.ordering import Edition
from plumbline.evidence.engine import Connection
from plumbline.updates.currency import NAMES_LISTED, Currency
from plumbline.updates.knowledge import Knowledge
from plumbline.updates.route import Step

_DEVICE_UPDATE = re.compile(r"Device Update (\S+) ")  # as the catalogue's importer writes its notes


@dataclass(frozen=True, slots=True)
class Supplied:
    """An image that the customer supplied."""

    path: str
    signed: bool | None


def supplied(connection: Connection) -> Mapping[str, Supplied]:
    """Gather the supplied images by digest; `signed` is known where signatures were looked for to the end."""
    rows = connection.execute(
        """
        select i.sha256, min(i.path), case when bool_or(s.entity is not null) then true when bool_or(c.outcome = 'ok') then false end
        from image i left join (select distinct entity from image_signature) s on s.entity = i.entity
        left join known.coverage c on c.entity = i.entity and c."table" = 'image_signature' and c.subject = ''
        where i.sha256 is not null group by i.sha256
        """
    ).fetchall()
    return {sha256: Supplied(path, signed) for sha256, path, signed in rows}


def rows(one: Currency, entity: str, knowledge: Knowledge, images: Mapping[str, Supplied]) -> Iterator[dict[str, Any]]:
    """Give the rows of one device."""
    product = one.identified.product
    if product is None or not one.judgement.state.bad:
        return
    found = knowledge.route(product, one.belief.versions)
    common = {"entity": entity, "product": product, "sources": list(one.sources)}
    if not found.steps:
        yield {**common, "subject": "step/0", "number": 0, "reason": found.reason}
    for number, step in enumerate(found.steps, 1):
        yield {**common, "subject": f"step/{number}", "number": number, **_release(step.edition, images), **_judged(step)}


def _release(edition: Edition, images: Mapping[str, Supplied]) -> dict[str, Any]:
    image = images.get(edition.sha256 or "")
    named = _DEVICE_UPDATE.match(edition.notes or "")
    return {
        "version": edition.version,
        "released_at": edition.released_at,
        "sha256": edition.sha256,
        "sha512": edition.sha512,
        "size_bytes": edition.size_bytes,
        "url": edition.url,
        "name": named[1] if named else None,
        "hardware": list(edition.hardware) if edition.hardware else None,
        "image": image.path if image else None,
        "signed": image.signed if image else None,
    }


def _judged(step: Step) -> dict[str, Any]:
    lists = {"mends": step.mends, "leaves": step.leaves, "opens": step.opens}
    return {
        "from_version": step.from_version,
        "startable": step.startable,
        "fits": step.fits,
        "rollback_ok": step.rollback_ok,
        **{name: None if value is None else list(value[:NAMES_LISTED]) for name, value in lists.items()},
    }
