"""The hubs' exports: the resource as an ARM template, the registry list and the twin query, one device a line.

The weak side's devices are in one hub, the hardened ones in another. Symmetric keys and thumbprints are made from names, and are nobody's.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from plumbline.lab.certificates import Certificate, thumbprint
from plumbline.lab.fleet import Device, Fleet, Weak
from plumbline.lab.services import Web

GHOST = "cam-0099"  # an identity that no device has
KINDS = ("camera", "controller", "sensor", "gateway", "printer")
_ALL_RIGHTS = "RegistryRead, RegistryWrite, ServiceConnect, DeviceConnect"
_POLICIES = (
    ("iothubowner", _ALL_RIGHTS),
    ("service", "ServiceConnect"),
    ("device", "DeviceConnect"),
    ("registryRead", "RegistryRead"),
    ("registryReadWrite", "RegistryRead, RegistryWrite"),
)
_TIME = "%Y-%m-%dT%H:%M:%SZ"


def name_of(*, switched: bool) -> str:
    """Name a side's hub."""
    return "northwind-harbour" if switched else "northwind-terminal"


def resource(fleet: Fleet, *, switched: bool) -> bytes:
    """Write the hub and its CA certificate as a template's resources."""
    weak, name = fleet.weak(switched=switched), name_of(switched=switched)
    policies = (*_POLICIES, ("backend", _ALL_RIGHTS if weak("hub.policy_over_broad") else "ServiceConnect"))
    key_based = {"authenticationType": "keyBased", "connectionString": f"Endpoint=sb://bus.example/;SharedAccessKey={_key('endpoint')}"}
    identity_based = {"authenticationType": "identityBased", "endpointUri": "sb://bus.example"}
    properties = {
        "hostName": f"{name}.azure-devices.example",
        "state": "Active",
        "publicNetworkAccess": "Enabled" if weak("hub.open_to_internet") else "Disabled",
        "networkRuleSets": {
            "defaultAction": "Allow" if weak("hub.open_to_internet") else "Deny",
            "applyToBuiltInEventHubEndpoint": not weak("hub.builtin_endpoint_uncovered"),
            "ipRules": [{"filterName": "office", "action": "Allow", "ipMask": _office(weak)}],
        },
        "ipFilterRules": [],
        "disableLocalAuth": not weak("hub.service_keys_allowed"),
        "disableDeviceSAS": not weak("hub.device_sas_allowed"),
        "disableModuleSAS": True,
        "authorizationPolicies": [
            {"keyName": policy, "primaryKey": _key(policy), "secondaryKey": _key(policy + " 2"), "rights": rights}
            for policy, rights in policies
        ],
        "eventHubEndpoints": {"events": {"retentionTimeInDays": 1, "partitionCount": 4}},
        "routing": {
            "endpoints": {"serviceBusQueues": [{"name": "alarms", **(key_based if weak("hub.key_based_endpoint") else identity_based)}]},
            "routes": [],
        },
        "storageEndpoints": {"$default": {"sasTtlAsIso8601": "PT1H", "connectionString": "", "containerName": ""}},
        "privateEndpointConnections": [],
    }
    if not weak("hub.min_tls_not_set"):
        properties["minTlsVersion"] = "1.2"
    ends = fleet.at + timedelta(days=10 if weak("hub.ca_expiring") else 3650)
    authority = {
        "subject": "Northwind Device CA",
        "expiry": ends.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "thumbprint": hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest().upper(),
        "isVerified": not weak("hub.ca_unverified"),
    }
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": [
            {
                "type": "Microsoft.Devices/IotHubs",
                "apiVersion": "2023-06-30",
                "name": name,
                "location": "uksouth",
                "sku": {"name": "S1", "capacity": 1},
                "properties": properties,
            },
            {
                "type": "Microsoft.Devices/IotHubs/certificates",
                "apiVersion": "2023-06-30",
                "name": f"{name}/device-ca",
                "properties": authority,
            },
        ],
    }
    return json.dumps(template, indent=2).encode() + b"\n"


def registry(fleet: Fleet, *, switched: bool) -> bytes:
    """Write the registry list."""
    weak = fleet.weak(switched=switched)
    return _lines(
        [{**_common(fleet, one, weak), "authentication": _authentication(fleet, one, weak)} for one in _identities(fleet, switched)]
    )


def twins(fleet: Fleet, *, switched: bool) -> bytes:
    """Write the answer of a twin query, with the id of every device in the registry."""
    weak = fleet.weak(switched=switched)
    return _lines([_twin(fleet, one, weak) for one in _identities(fleet, switched)])


@dataclass(frozen=True, slots=True)
class _Identity:
    """A device of the hub; the ghost has no device behind it."""

    device_id: str
    device: Device | None

    @property
    def kind(self) -> str:
        return self.device.kind if self.device else "ghost"


def _identities(fleet: Fleet, switched: bool) -> list[_Identity]:
    weak = fleet.weak(switched=switched)
    kinds = [kind for kind in KINDS if kind != "printer" or not weak("hub.device_without_identity")]
    devices = [fleet.twin(kind, switched=switched) for kind in kinds]
    found = [_Identity(device.hub_device_id, device) for device in devices if device.hub_device_id]
    if weak("hub.identity_without_device"):
        found.append(_Identity(GHOST, None))
    return sorted(found, key=lambda one: one.device_id)


def _common(fleet: Fleet, identity: _Identity, weak: Weak) -> dict[str, Any]:
    stale = identity.kind == "controller" and weak("hub.stale_device_enabled")
    last = fleet.at - (timedelta(days=400) if stale else timedelta(hours=1))
    return {
        "deviceId": identity.device_id,
        "status": "enabled",
        "connectionState": "Disconnected" if stale else "Connected",
        "lastActivityTime": last.strftime(_TIME),
        "capabilities": {"iotEdge": identity.kind == "gateway"},
    }


def by_key(identity_kind: str, weak: Weak) -> bool:
    """Say whether a device proves itself by a symmetric key."""
    return identity_kind in ("camera", "controller") and weak("hub.sas_share_too_high")


def _authentication(fleet: Fleet, identity: _Identity, weak: Weak) -> dict[str, Any]:
    if identity.kind == "gateway":
        return {"type": "certificateAuthority", "symmetricKey": None, "x509Thumbprint": None}
    owner = identity.device_id
    if identity.device is not None and identity.kind == "controller" and weak("hub.shared_credential"):
        owner = fleet.twin("camera", switched=identity.device.switched).hub_device_id or owner
    same = identity.kind == "controller" and weak("hub.primary_equals_secondary")
    names = (owner, owner if same else f"{identity.device_id} secondary")
    if by_key(identity.kind, weak):
        keys = [_key(name) for name in names]
        return {"type": "sas", "symmetricKey": {"primaryKey": keys[0], "secondaryKey": keys[1]}, "x509Thumbprint": None}
    first, second = (_client_thumbprint(name, fleet.at) for name in names)
    if identity.kind == "camera" and identity.device is not None and not identity.device.switched:
        first = _server_thumbprint(identity.device)  # one certificate for both sides, as small devices have it
    return {"type": "selfSigned", "symmetricKey": None, "x509Thumbprint": {"primaryThumbprint": first, "secondaryThumbprint": second}}


def _twin(fleet: Fleet, identity: _Identity, weak: Weak) -> dict[str, Any]:
    desired: dict[str, Any] = {"telemetryInterval": 60}
    reported: dict[str, Any] = {"telemetryInterval": 60}
    device = identity.device
    if device is not None:
        version = "1.5.0" if identity.kind == "camera" and weak("camera.version_mismatch") else device.firmware_version
        reported |= {"model": device.model, "firmwareVersion": version, "serialNumber": device.serial, "macAddress": device.mac}
    if identity.kind == "camera":
        if weak("hub.secret_in_twin"):
            desired["wifiPassword"] = "harbour-1962"
        if weak("hub.twin_drift"):
            reported["telemetryInterval"] = 300
    times = {"$metadata": {"$lastUpdated": fleet.at.strftime(_TIME)}}
    kind = _authentication(fleet, identity, weak)["type"]
    return {
        **_common(fleet, identity, weak),
        "authenticationType": kind,
        "version": 4,
        "tags": {"site": "harbour"},
        "properties": {"desired": {**desired, **times, "$version": 3}, "reported": {**reported, **times, "$version": 7}},
    }


def _office(weak: Weak) -> str:
    return "51.0.0.0/8" if weak("hub.ip_rule_too_wide") else "203.0.113.8/29"


def _client_thumbprint(name: str, at: datetime) -> str:
    return thumbprint(Certificate(f"{name}.client", f"{name} client", "ec", at - timedelta(days=30), at + timedelta(days=700)))


def _server_thumbprint(device: Device) -> str:
    return next(thumbprint(service.tls.certificate) for service in device.services if isinstance(service, Web) and service.tls)


def _key(name: str) -> str:
    return base64.b64encode(hashlib.sha256(f"plumbline lab {name}".encode()).digest()).decode()


def _lines(records: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(record, sort_keys=True).encode() + b"\n" for record in records)
