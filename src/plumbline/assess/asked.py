"""Who is asked for a provision, among the assets of a rig.

    device    an asset that answered at an address, was declared, was seen from inside, or that a hub knows as a device; and a sender in a
              capture whose address lies in the rig's networks, or any where none is known: a capture also tells of neighbours
    gateway   an asset with an edge deployment
    cloud     a hub

An asset may be several of these. Images, captures, networks and bills of materials are what assets are seen through: nobody asks them.

Rules: hub identities that nothing else in the rig knows are devices, counted and not listed, for there may be millions of them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

import pyarrow as pa

from plumbline.evidence.engine import Connection
from plumbline.model.errors import InputError
from plumbline.model.words import EntityKind, Outcome
from plumbline.rig.addresses import IPNetwork
from plumbline.standards.standard import AskedOf

DEVICES = frozenset(kind.value for kind in (EntityKind.HOST, EntityKind.DECLARED, EntityKind.SYSTEM, EntityKind.IDENTITY))
ASKED = (AskedOf.DEVICE, AskedOf.GATEWAY, AskedOf.CLOUD)
_SCHEMA = pa.schema([("asset", pa.string()), *((word.value, pa.bool_()) for word in ASKED)])


def find_asked(connection: Connection, networks: Iterable[str], assets: int | None = None) -> Mapping[AskedOf, int]:
    """Make the table `asked` of the known assets that are asked, with what each is, and count all that are, by what they are.

    `networks` are the rig's, as `10.0.0.0/8`; `assets` is how many there are in all, where that was counted already. Raises InputError when
    a network is none.
    """
    own = [_network(text) for text in networks]
    rows = []
    for asset, kinds, address in connection.execute("select asset, kinds, address from known.asset").fetchall():
        device = bool(DEVICES & set(kinds)) or (EntityKind.STATION.value in kinds and (not own or _inside(address, own)))
        row = {"asset": asset, "device": device, "gateway": EntityKind.EDGE.value in kinds, "cloud": EntityKind.HUB.value in kinds}
        if any(row[word.value] for word in ASKED):
            rows.append(row)
    connection.register("incoming", pa.Table.from_pylist(rows, schema=_SCHEMA))
    connection.execute("create or replace temp table asked as from incoming")
    connection.unregister("incoming")
    [[known]] = connection.execute("select count(*) from known.asset").fetchall()
    if assets is None:
        [[assets]] = connection.execute("select count(*) from main.asset").fetchall()
    counts = {word: sum(row[word.value] for row in rows) for word in ASKED}
    counts[AskedOf.DEVICE] += int(assets) - int(known)
    return counts


def find_unseen(connection: Connection) -> str | None:
    """Say why there may be devices that nobody saw: the worst outcome of a sweep, or of a hub's list; None where each came to its end."""
    [[outcome]] = connection.execute(
        f"""
        select max(outcome)::varchar from known.coverage where outcome <> '{Outcome.OK}'::outcome
          and ("table" = 'host' and starts_with(entity, '{EntityKind.NETWORK.value}:')
            or "table" = 'hub_identity' and starts_with(entity, '{EntityKind.HUB.value}:'))
        """
    ).fetchall()
    return None if outcome is None else str(outcome)


def _network(text: str) -> IPNetwork:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise InputError(f"{text!r:.60} is no network", where="manifest.json: authorisation", remedy="the bundle was changed") from error


def _inside(address: str | None, networks: Iterable[IPNetwork]) -> bool:
    try:
        place = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return False
    return any(place in network for network in networks)
