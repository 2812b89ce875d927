"""Hub resources: every form in which they are kept, every column, and no key."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from plumbline.collect.azure import collect
from plumbline.collect.azure.times import activity, instant, minutes
from plumbline.rig.models import Hub
from tests.collect.collecting import REAL_DATA, Collected, rig_of, run

SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQ="


def hub(**properties: Any) -> dict[str, Any]:
    return {
        "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/northwind",
        "name": "northwind",
        "type": "Microsoft.Devices/IotHubs",
        "sku": {"name": "S1", "tier": "Standard", "capacity": 1},
        "properties": {"hostName": "northwind.azure-devices.net", **properties},
    }


def collected(folder: Path, document: object) -> Collected:
    path = folder / "hub.arm.json"
    path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
    return run(collect, rig_of(folder, hubs=(Hub("azure-iot-hub", path, None),)))


PROPERTIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing given": (
        {},
        {"public_network_access": None, "min_tls_version": None, "disable_local_auth": None, "ip_rules": None, "private_endpoints": None},
    ),
    "access": (
        {"publicNetworkAccess": "Disabled", "minTlsVersion": "1.2", "disableLocalAuth": True, "disableDeviceSAS": False},
        {"public_network_access": "Disabled", "min_tls_version": "1.2", "disable_local_auth": True, "disable_device_sas": False},
    ),
    "expressions were not observed, but stand where null would say: not set": (
        {"publicNetworkAccess": "[parameters('p')]", "disableLocalAuth": "[parameters('d')]", "minTlsVersion": "[variables('t')]"},
        {"public_network_access": None, "disable_local_auth": None, "min_tls_version": "[variables('t')]"},
    ),
    "network rules": (
        {
            "networkRuleSets": {
                "defaultAction": "Deny",
                "applyToBuiltInEventHubEndpoint": True,
                "ipRules": [{"filterName": "a", "action": "Allow", "ipMask": "198.51.100.0/24"}],
            }
        },
        {"default_action": "Deny", "applies_to_builtin_endpoint": True, "ip_rules": ["198.51.100.0/24"]},
    ),
    "old filters, of which some reject": (
        {"ipFilterRules": [{"action": "Accept", "ipMask": "0.0.0.0/0"}, {"action": "Reject", "ipMask": "203.0.113.0/24"}]},
        {"ip_rules": ["0.0.0.0/0"], "default_action": None},
    ),
    "no filters is an observation": ({"ipFilterRules": []}, {"ip_rules": []}),
    "private endpoints": (
        {
            "privateEndpointConnections": [
                {"properties": {"privateLinkServiceConnectionState": {"status": "Approved"}}},
                {"properties": {"privateLinkServiceConnectionState": {"status": "Pending"}}},
            ]
        },
        {"private_endpoints": 1},
    ),
    "endpoints with keys": (
        {
            "routing": {
                "endpoints": {
                    "eventHubs": [{"name": "old", "connectionString": f"Endpoint=sb://x;SharedAccessKey={SECRET}"}],
                    "serviceBusQueues": [{"name": "new", "authenticationType": "identityBased"}],
                    "storageContainers": [{"name": "store", "authenticationType": "keyBased", "connectionString": f"AccountKey={SECRET}"}],
                }
            },
            "storageEndpoints": {
                "$default": {"connectionString": f"AccountKey={SECRET}", "containerName": "c", "sasTtlAsIso8601": "PT1H30M"}
            },
        },
        {"key_based_endpoints": ["$default", "old", "store"], "upload_sas_minutes": 90},
    ),
    "storage that is not set up": (
        {"storageEndpoints": {"$default": {"connectionString": "", "containerName": "", "sasTtlAsIso8601": "PT1H"}}},
        {"key_based_endpoints": [], "upload_sas_minutes": 60},
    ),
    "values of the wrong type": (
        {"networkRuleSets": 5, "privateEndpointConnections": {}, "routing": [], "disableLocalAuth": "true", "ipFilterRules": [None, 3]},
        {"default_action": None, "private_endpoints": None, "disable_local_auth": None, "ip_rules": []},
    ),
}


@pytest.mark.parametrize("case", PROPERTIES)
def test_properties(case: str, tmp_path: Path) -> None:
    given, expected = PROPERTIES[case]
    done = collected(tmp_path, hub(**given))
    [row] = done.rows("hub")
    assert {name: row[name] for name in expected} == expected
    assert (row["entity"], row["name"], row["sku"]) == ("hub:/northwind", "northwind", "S1")
    assert SECRET not in done.everything()
    assert done.outcomes()["hub"] == "ok"


def test_policies_are_named_and_their_keys_dropped(tmp_path: Path) -> None:
    policies = [
        {"keyName": "iothubowner", "rights": "RegistryWrite, ServiceConnect, DeviceConnect, RegistryRead", "primaryKey": SECRET},
        {"keyName": "reporting", "rights": "RegistryRead", "primaryKey": SECRET, "secondaryKey": SECRET},
        {"rights": "RegistryRead"},
    ]
    done = collected(tmp_path, hub(authorizationPolicies=policies))
    rows = {row["subject"]: row for row in done.rows("hub_policy")}
    assert rows["policy/iothubowner"]["rights"] == ["DeviceConnect", "RegistryRead", "RegistryWrite", "ServiceConnect"]
    assert [row["built_in"] for row in rows.values()] == [True, False]
    assert done.outcomes()["hub_policy"] == "partial"
    assert SECRET not in done.everything()


@pytest.mark.parametrize("given", [None, []])
def test_a_file_without_policies_or_certificates_says_what_would_fill_them(given: object, tmp_path: Path) -> None:
    done = collected(tmp_path, hub(authorizationPolicies=given))
    assert done.outcomes() == {"hub": "ok", "hub_policy": "not_supported", "hub_certificate": "not_supported"}
    assert "listkeys" in done.details()["hub_policy"] and "certificate list" in done.details()["hub_certificate"]


CERTIFICATE = {"subject": "CN=root", "thumbprint": "ab" * 20, "isVerified": True, "expiry": "Sat, 31 Dec 2039 00:00:00 GMT"}
FORMS: dict[str, object] = {
    "a template with a named child": {
        "resources": [hub(), {"type": "Microsoft.Devices/IotHubs/certificates", "name": "northwind/root", "properties": CERTIFICATE}]
    },
    "a template with a nested child": {
        "resources": [{**hub(), "resources": [{"type": "certificates", "name": "root", "properties": CERTIFICATE}]}]
    },
    "a template of symbolic names": {
        "resources": {
            "hub": hub(),
            "root": {"type": "Microsoft.Devices/IotHubs/certificates", "name": "northwind/root", "properties": CERTIFICATE},
        }
    },
    "a nested deployment": {
        "resources": [
            {
                "type": "Microsoft.Resources/deployments",
                "name": "inner",
                "properties": {
                    "template": {
                        "resources": [
                            hub(),
                            {"type": "Microsoft.Devices/IotHubs/Certificates", "name": "northwind/root", "properties": CERTIFICATE},
                        ]
                    }
                },
            }
        ]
    },
    "list answers joined": [
        {"value": [hub()]},
        {
            "value": [
                {
                    "id": "/subscriptions/s/providers/Microsoft.Devices/IotHubs/northwind/certificates/root",
                    "name": "root",
                    "type": "Microsoft.Devices/IotHubs/Certificates",
                    "properties": CERTIFICATE,
                }
            ]
        },
    ],
}


@pytest.mark.parametrize("case", FORMS)
def test_forms_with_certificates(case: str, tmp_path: Path) -> None:
    done = collected(tmp_path, FORMS[case])
    [row] = done.rows("hub_certificate")
    assert (row["entity"], row["subject"], row["subject_name"], row["verified"]) == ("hub:/northwind", "certificate/root", "CN=root", True)
    assert row["thumbprint"] == "AB" * 20
    assert row["expires_at"] == datetime(2039, 12, 31, tzinfo=UTC)
    assert len(done.rows("hub")) == 1


def test_an_enclosed_certificate_fills_what_the_resource_leaves_out(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "own root")])
    ends = datetime(2030, 1, 1, tzinfo=UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), ends - timedelta(days=9), ends)
    certificate = built.sign(key, hashes.SHA256())
    for text in (
        base64.b64encode(certificate.public_bytes(Encoding.DER)).decode(),
        base64.b64encode(certificate.public_bytes(Encoding.PEM)).decode(),
        certificate.public_bytes(Encoding.PEM).decode(),
    ):
        properties = {"certificate": text, "isVerified": False}
        resource = {"type": "Microsoft.Devices/IotHubs/certificates", "name": "northwind/root", "properties": properties}
        [row] = collected(tmp_path, {"resources": [hub(), resource]}).rows("hub_certificate")
        assert (row["subject_name"], row["expires_at"], row["verified"]) == ("CN=own root", ends, False)
        assert row["thumbprint"] == certificate.fingerprint(hashes.SHA1()).hex().upper()


def test_names_that_are_expressions(tmp_path: Path) -> None:
    template = {"parameters": {"n": {"defaultValue": "northwind-2"}}, "resources": [{**hub(), "name": "[parameters('n')]"}]}
    assert collected(tmp_path, template).rows("hub")[0]["entity"] == "hub:/northwind-2"
    template["parameters"] = {}
    assert collected(tmp_path, template).rows("hub")[0]["entity"] == "hub:/hub"  # the file's name up to its first dot


def test_several_hubs_are_several_entities(tmp_path: Path) -> None:
    done = collected(tmp_path, [hub(), {**hub(), "name": "southwind"}])
    assert {row["entity"] for row in done.rows("hub")} == {"hub:/northwind", "hub:/southwind"}


UNREADABLE = {
    "empty": b"",
    "cut": b'{"resources": [',
    "no hub in it": b'{"resources": [{"type": "Microsoft.Storage/storageAccounts", "name": "x"}]}',
    "a bomb": b'{"resources":' * 100_000,
    "a number": b"7",
    "a million resources": b"[" + b"{}," * 200_000 + b"{}]",
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_said_for_each_table(case: str, tmp_path: Path) -> None:
    done = collected(tmp_path, UNREADABLE[case])
    assert done.outcomes("hub:/hub") == {"hub": "protocol_error", "hub_policy": "protocol_error", "hub_certificate": "protocol_error"}
    assert all(detail.startswith("hub.arm.json: ") for detail in done.details().values())


def test_the_sixteen_bit_text_of_windows_powershell(tmp_path: Path) -> None:
    assert collected(tmp_path, json.dumps(hub()).encode("utf-16")).rows("hub")[0]["name"] == "northwind"


REAL = {
    "arm__azure-iot-cli-exte__state__blank_hub_arm.json": ("test-hub", "S1", [], 0),
    "arm__azure-iot-cli-exte__samples__iot_hub_state_export.json": ("test-hub", "S1", ["$default", "endpoint1"], 1),
    "arm__iotedge-lorawan-st__Template__azuredeploy.json": (None, "S1", None, 0),
}


@pytest.mark.parametrize("name", REAL)
def test_real_files(name: str, tmp_path: Path) -> None:
    folder = REAL_DATA / "configs"
    if not folder.is_dir():
        pytest.skip("the folder of real files is not beside the repository")
    hub_name, sku, endpoints, certificates = REAL[name]
    done = run(collect, rig_of(tmp_path, hubs=(Hub("azure-iot-hub", folder / name, None),)))
    [row] = done.rows("hub")
    assert hub_name in (None, row["name"])
    assert (row["sku"], row["key_based_endpoints"]) == (sku, endpoints)
    assert len(done.rows("hub_certificate")) == certificates


TIMES = {
    "2026-03-01T10:20:30.1234567Z": datetime(2026, 3, 1, 10, 20, 30, 123456, tzinfo=UTC),
    "2026-03-01T10:20:30+02:00": datetime(2026, 3, 1, 8, 20, 30, tzinfo=UTC),
    "2026-03-01T10:20:30": datetime(2026, 3, 1, 10, 20, 30, tzinfo=UTC),
    "Sat, 31 Dec 2039 00:00:00 GMT": datetime(2039, 12, 31, tzinfo=UTC),
    "yesterday": None,
    "": None,
    "9999-12-31T23:59:59-23:00": None,
    "2026-13-01T00:00:00Z": None,
}


@pytest.mark.parametrize("text", TIMES)
def test_times(text: str) -> None:
    assert instant(text) == TIMES[text]


def test_the_zero_time_means_never() -> None:
    assert activity("0001-01-01T00:00:00Z") == (None, True)
    assert activity("0001-01-01T00:00:00") == (None, True)
    assert activity(None) == (None, None) == activity("soon")
    assert activity("2026-03-01T10:20:30Z") == (datetime(2026, 3, 1, 10, 20, 30, tzinfo=UTC), False)


@pytest.mark.parametrize(
    ("text", "expected"), [("PT1H", 60), ("P1DT30M", 1470), ("PT90S", 2), ("P", None), ("PT", None), ("1h", None), (None, None)]
)
def test_durations(text: object, expected: int | None) -> None:
    assert minutes(text) == expected
