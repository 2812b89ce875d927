"""One record of a registry export, a registry list or a twin query, as columns of hub_identity and hub_twin.

| field | export line | registry list | twin query |
|---|---|---|---|
| device | id | deviceId | deviceId |
| authentication | authentication.type, .symmetricKey, .x509Thumbprint | the same | authenticationType, x509Thumbprint |
| last activity | - | lastActivityTime | lastActivityTime |
| tags, properties | tags, properties | - | tags, properties |

Rules: a symmetric key is turned into a keyed digest here and goes no further (law 8); a value of an unexpected type is null. A twin
query is no registry: it carries no keys, so it fills hub_twin alone.
Source: azure-iot-hub ExportImportDevice, Device and Twin models; REST API 2021-04-12.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from plumbline.collect.azure.times import activity
from plumbline.collect.json_text import flag_of, int_of, object_of
from plumbline.collect.secrets_in_text import NAME_MAX, PATH_MAX, secret_paths

ID_MAX = 256  # Azure allows 128 characters
TEXT_MAX = 512
PATHS_MAX = 50  # of secrets, and of drift, named for one twin
DEPTH_MAX = 12  # Azure allows 10
_ROLE_DEPTH = 3  # device facts stand near the top; deeper ones belong to something that is attached

IDENTITY_COLUMNS = (
    "hub",
    "device_id",
    "module_id",
    "status",
    "auth_type",
    "primary_thumbprint",
    "secondary_thumbprint",
    "primary_key_digest",
    "secondary_key_digest",
    "keys_excluded",
    "edge",
    "last_activity_at",
    "never_connected",
)
TWIN_COLUMNS = (
    "hub",
    "device_id",
    "status",
    "auth_type",
    "connection_state",
    "last_activity_at",
    "never_connected",
    "model",
    "firmware_version",
    "serial",
    "mac",
    "secrets",
    "drift",
    "desired_version",
    "reported_version",
)

_ROLES = {
    "model": {"model", "devicemodel", "modelname", "productmodel", "modelnumber", "hardwaremodel"},
    "firmware_version": {
        "firmwareversion",
        "currentfirmwareversion",
        "fwversion",
        "currentfwversion",
        "swversion",
        "softwareversion",
        "firmware",
        "fw",
    },
    "serial": {"serialnumber", "serial", "serialno", "deviceserial", "deviceserialnumber"},
    "mac": {"mac", "macaddress", "macaddr", "ethernetmac", "wifimac", "ethmac", "wlanmac"},
}
_ROLE_OF = {name: role for role, names in _ROLES.items() for name in names}
_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}([:-]?))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}")


def ids(record: dict[str, Any]) -> tuple[str, str | None] | None:
    """Give device and module id; None when the record names no device."""
    device = record.get("deviceId") or record.get("id")
    module = record.get("moduleId") or None
    if not isinstance(device, str) or not 0 < len(device) <= ID_MAX:
        return None
    if module is not None and (not isinstance(module, str) or len(module) > ID_MAX):
        return None
    return device, module


def identity_row(record: dict[str, Any], hub: str, device: str, module: str | None, digest: Callable[[str], str]) -> tuple[Any, ...] | None:
    """Give the values of IDENTITY_COLUMNS; None when the record is no registry entry."""
    authentication = record.get("authentication")
    if not isinstance(authentication, dict):
        return None
    keys = authentication.get("symmetricKey")
    thumbprints = authentication.get("x509Thumbprint")
    primary = secondary = None
    if isinstance(keys, dict):
        primary, secondary = _key(keys.get("primaryKey")), _key(keys.get("secondaryKey"))
    first = second = None
    if isinstance(thumbprints, dict):
        first, second = _thumbprint(thumbprints.get("primaryThumbprint")), _thumbprint(thumbprints.get("secondaryThumbprint"))
    kind = _text(authentication.get("type"))
    # Without keys a device of shared keys has them elsewhere; other devices have none to leave out.
    by_key = kind == "sas" or (kind is None and first is None)
    last, never = activity(record.get("lastActivityTime"))
    return (
        hub,
        device,
        module,
        _word(record.get("status")),
        kind,
        first,
        second,
        digest(primary) if primary else None,
        digest(secondary) if secondary else None,
        by_key and not primary and not secondary,
        flag_of(object_of(record.get("capabilities")).get("iotEdge")),
        last,
        never,
    )


def twin_row(record: dict[str, Any], hub: str, device: str) -> tuple[Any, ...] | None:
    """Give the values of TWIN_COLUMNS; None when the record carries no twin."""
    tags, properties = record.get("tags"), record.get("properties")
    authentication = record.get("authentication")
    if not isinstance(tags, dict) and not isinstance(properties, dict) and (authentication or "authenticationType" not in record):
        return None
    tags, properties = object_of(tags), object_of(properties)
    desired, reported = object_of(properties.get("desired")), object_of(properties.get("reported"))
    found: dict[str, str] = {}
    _roles(reported, found, 1)
    _roles(tags, found, 1)
    secrets: list[str] = []
    secret_paths(tags, "tags", secrets, PATHS_MAX)
    secret_paths(desired, "properties.desired", secrets, PATHS_MAX)
    secret_paths(reported, "properties.reported", secrets, PATHS_MAX)
    last, never = activity(record.get("lastActivityTime"))
    return (
        hub,
        device,
        _word(record.get("status")),
        _text(object_of(authentication).get("type")) or _text(record.get("authenticationType")),
        _text(record.get("connectionState")),
        last,
        never,
        found.get("model"),
        found.get("firmware_version"),
        found.get("serial"),
        found.get("mac"),
        secrets,
        drift(desired, reported),
        int_of(desired.get("$version")),
        int_of(reported.get("$version")),
    )


def drift(desired: dict[str, Any], reported: dict[str, Any]) -> list[str] | None:
    """Name the desired properties whose reported value differs; None when none of them is reported at all.

    An acknowledgement (`{"value": ..., "ac": 200, "av": 3}`, IoT Plug and Play conventions) stands for its value.
    """
    paths: list[str] = []
    compared = False
    levels: list[Iterator[tuple[str, Any, Any]]] = [_pairs("", desired, reported)]
    while levels and len(paths) < PATHS_MAX:
        pair = next(levels[-1], None)
        if pair is None:
            levels.pop()
            continue
        path, wanted, seen = pair
        if isinstance(seen, dict) and "value" in seen and "ac" in seen:
            seen = seen["value"]
        if isinstance(wanted, dict) and isinstance(seen, dict) and len(levels) < DEPTH_MAX:
            levels.append(_pairs(path + ".", wanted, seen))
            continue
        compared = True
        # In Python True equals 1; in JSON it does not.
        if isinstance(wanted, bool) != isinstance(seen, bool) or wanted != seen:
            paths.append(path)
    return paths if compared else None


def _pairs(prefix: str, desired: dict[str, Any], reported: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name, wanted in desired.items():
        if name in reported and not name.startswith("$"):
            yield f"{prefix[:PATH_MAX]}{name[:NAME_MAX]}", wanted, reported[name]


def _roles(tree: dict[str, Any], found: dict[str, str], depth: int) -> None:
    for name, value in tree.items():
        if isinstance(value, dict):
            if depth < _ROLE_DEPTH and not name.startswith("$"):
                _roles(value, found, depth + 1)
        elif isinstance(value, str) and (role := _role(name)) and role not in found and 0 < len(value) <= TEXT_MAX:
            if role != "mac":
                found[role] = value
            elif _MAC.fullmatch(value):
                digits = value.replace(":", "").replace("-", "").lower()
                found[role] = ":".join(digits[at : at + 2] for at in range(0, 12, 2))


@lru_cache(maxsize=20_000)
def _role(name: str) -> str | None:
    return _ROLE_OF.get(name.replace("_", "").replace("-", "").lower()) if len(name) < 64 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= TEXT_MAX else None


def _word(value: object) -> str | None:
    return value.lower() if isinstance(value, str) and 0 < len(value) <= TEXT_MAX else None


def _key(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip("* ") else None


def _thumbprint(value: object) -> str | None:
    if not isinstance(value, str) or not value or len(value) > TEXT_MAX:
        return None
    return value.upper() if value.isalnum() else re.sub(r"[^0-9A-Z]", "", value.upper()) or None
