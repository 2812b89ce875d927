"""Targets of Eclipse hawkBit, as its Management API lists them, with what it answers of each under its own name.

    GET /rest/v1/targets            {"content": [target, ...], "total": n}; several such pages, or the targets alone, in one array
    target                          controllerId, name, updateStatus, ipAddress, address, lastControllerRequestAt (milliseconds since 1970),
                                    targetTypeName, group, securityToken (never kept)
      attributes                    GET .../targets/{id}/attributes: what the device told of itself, in names of its own choice
      installedDS, assignedDS       GET .../targets/{id}/installedDS and assignedDS: name, version

Source: Eclipse hawkBit Management API, version 1. Rules: without `installedDS` nothing is known of what is installed, whatever the status
says; of attributes only those are read whose names say plainly what they hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from plumbline.collect.json_text import int_of, object_of, text_of
from plumbline.collect.update_services.served import DEVICES_MAX, Served, mac_of
from plumbline.model.errors import ProtocolError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FAR_MS = 253_402_300_799_000  # the last second of the year 9999
_COMPLIANT = {"in_sync": True, "pending": False, "error": False}
_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "manufacturer": ("manufacturer", "vendor", "devicemanufacturer"),
    "model": ("model", "devicemodel", "devicetype"),
    "serial": ("serial", "serialnumber"),
    "mac": ("mac", "macaddress"),
    "reported": ("firmwareversion", "swversion", "softwareversion", "fwversion"),
}


def read_hawkbit(document: object) -> Iterator[Served | str]:
    """Give each target, or why one is passed over; raises ProtocolError for what lists no targets."""
    targets = list(_targets(document))
    for number, target in enumerate(targets[:DEVICES_MAX], 1):
        served = _served(object_of(target))
        yield served if served is not None else f"target {number} has no controllerId"
    if len(targets) > DEVICES_MAX:
        yield f"{len(targets)} targets; {DEVICES_MAX} were read"
    total = max((int_of(page.get("total")) or 0 for page in _pages(document)), default=0)
    if total > len(targets):
        yield f"{len(targets)} of {total} targets: the other pages are missing"


def _pages(document: object) -> Iterator[Mapping[str, object]]:
    for one in document if isinstance(document, list) else [document]:
        if isinstance(one, dict) and isinstance(one.get("content"), list):
            yield one


def _targets(document: object) -> Iterator[object]:
    items = document if isinstance(document, list) else [document]
    if not any(isinstance(one, dict) and ("content" in one or "controllerId" in one) for one in items) and document != []:
        raise ProtocolError("lists no targets of hawkBit: neither content nor controllerId")
    for one in items:
        if isinstance(one, dict) and isinstance(one.get("content"), list):
            yield from one["content"]
        else:
            yield one


def _served(target: Mapping[str, object]) -> Served | None:
    device_id = text_of(target.get("controllerId"))
    if device_id is None:
        return None
    told = {_plain(name): value for name, value in object_of(target.get("attributes")).items()}
    said = {column: next((found for name in names if (found := text_of(told.get(name)))), None) for column, names in _ATTRIBUTES.items()}
    status = text_of(target.get("updateStatus"))
    return Served(
        device_id=device_id,
        name=text_of(target.get("name")),
        manufacturer=said["manufacturer"],
        model=said["model"],
        serial=said["serial"],
        mac=mac_of(said["mac"]),
        address=_address(target.get("ipAddress")),
        group=text_of(target.get("group")) or text_of(target.get("targetTypeName")),
        assigned=text_of(object_of(target.get("assignedDS")).get("version")),
        installed=text_of(object_of(target.get("installedDS")).get("version")),
        reported=said["reported"],
        status=status,
        compliant=_COMPLIANT.get((status or "").lower()),
        last_seen_at=_moment(target.get("lastControllerRequestAt")),
    )


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _address(value: object) -> str | None:
    try:
        return str(ip_address(text_of(value) or ""))
    except ValueError:
        return None


def _moment(value: object) -> datetime | None:
    milliseconds = int_of(value)
    return _EPOCH + timedelta(milliseconds=milliseconds) if milliseconds is not None and 0 < milliseconds <= _FAR_MS else None
