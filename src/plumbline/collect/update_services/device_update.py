"""Devices of Azure Device Update, as its REST API and `az iot du device list` list them.

    GET .../management/devices          {"value": [device, ...], "nextLink": ...}, or the devices alone, in one array
    device                              deviceId, moduleId, deviceClassId, groupId, deploymentStatus, onLatestUpdate,
                                        installedUpdate and lastAttemptedUpdate {updateId {provider, name, version}}
    GET .../management/deviceClasses    likewise; deviceClassId, deviceClassProperties.compatProperties {manufacturer, model}

Answers of both may stand in one array. Source: Device Update for IoT Hub REST API, version 2022-10-01. Rules: a module of a device is
another thing than the device, and is passed over; `onLatestUpdate` is about the best update of the device's group, not the newest release.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plumbline.collect.json_text import flag_of, object_of, text_of
from plumbline.collect.update_services.served import DEVICES_MAX, Served
from plumbline.model.errors import ProtocolError


def read_device_update(document: object) -> Iterator[Served | str]:
    """Give each device, or why one is passed over; raises ProtocolError for what lists no devices."""
    entries = [object_of(entry) for entry in _entries(document)]
    classes = {text_of(entry.get("deviceClassId")): _properties(entry) for entry in entries if "deviceClassProperties" in entry}
    devices = [entry for entry in entries if "deviceClassProperties" not in entry]
    if not any("deviceId" in entry for entry in devices) and devices:
        raise ProtocolError("lists no devices of Device Update: no deviceId")
    for number, device in enumerate(devices[:DEVICES_MAX], 1):
        device_id, module = text_of(device.get("deviceId")), text_of(device.get("moduleId"))
        if device_id is None:
            yield f"device {number} has no deviceId"
        elif module is None:
            yield _served(device_id, device, classes.get(text_of(device.get("deviceClassId")), {}))
    if len(devices) > DEVICES_MAX:
        yield f"{len(devices)} devices; {DEVICES_MAX} were read"
    if any(page.get("nextLink") for page in _pages(document)):
        yield "the answer goes on at its nextLink: the other pages are missing"


def _pages(document: object) -> Iterator[Mapping[str, object]]:
    for one in document if isinstance(document, list) else [document]:
        if isinstance(one, dict) and isinstance(one.get("value"), list):
            yield one


def _entries(document: object) -> Iterator[object]:
    for one in document if isinstance(document, list) else [document]:
        if not isinstance(one, dict):
            raise ProtocolError("lists no devices of Device Update: not objects")
        value = one.get("value")
        yield from value if isinstance(value, list) else [one]


def _properties(entry: Mapping[str, object]) -> Mapping[str, object]:
    return object_of(object_of(entry.get("deviceClassProperties")).get("compatProperties"))


def _served(device_id: str, device: Mapping[str, object], properties: Mapping[str, object]) -> Served:
    installed, tried = (_version(device.get(name)) for name in ("installedUpdate", "lastAttemptedUpdate"))
    return Served(
        device_id=device_id,
        manufacturer=text_of(properties.get("manufacturer")),
        model=text_of(properties.get("model")),
        group=text_of(device.get("groupId")),
        assigned=tried,
        installed=installed,
        status=text_of(device.get("deploymentStatus")),
        compliant=flag_of(device.get("onLatestUpdate")),
    )


def _version(update: object) -> str | None:
    return text_of(object_of(object_of(update).get("updateId")).get("version"))
