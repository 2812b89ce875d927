"""Every probe against every service of the lab, weak and hardened: the facts are those of the fleet's description, and nobody is harmed.

The services are asyncssh, pymodbus, aiocoap, amqtt, pysnmp, pyftpdlib and asyncua, and small ones of the lab's own; what each is configured
to do stands in `plumbline.lab.services`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from plumbline.lab.fleet import TCP_PORTS, UDP_PORTS, Device
from plumbline.lab.keys import private_key, public_digest
from plumbline.lab.lab import Lab, running
from plumbline.lab.services import Coap, Cookie, Ftp, Mdns, Modbus, Mqtt, Odd, OpcUa, Page, Rtsp, Service, Snmp, Ssdp, Ssh, Telnet, Web
from plumbline.model.words import Outcome
from tests.collect.network.benches import Seen, open_bench

Facts = dict[str, Any]
Found = dict[tuple[str, int], tuple[Device, Service, Seen, Seen | None]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Found, Lab]]:
    """Send each service its probe, all devices at once, as the caps allow."""
    folder = tmp_path_factory.mktemp("lab")
    with running(at=datetime.now(UTC), base=f"127.{201 + os.getpid() % 50}") as lab:
        yield asyncio.run(_ask_all(lab, folder)), lab


async def _ask_all(lab: Lab, folder: Path) -> Found:
    seen: Found = {}
    base = lab.fleet.base
    async with open_bench(folder, tcp=TCP_PORTS, udp=UDP_PORTS, ranges=(f"{base}.1.0/24", f"{base}.2.0/24")) as rig:

        async def ask(device: Device, service: Service) -> None:
            tls = getattr(service, "tls", None)
            assert service.protocol is not None
            one = await rig.visit(service.protocol, service.port, address=device.address, tls=tls is not None)
            two = await rig.visit("tls", service.port, address=device.address, inside=service.protocol) if tls else None
            seen[device.name, service.port] = (device, service, one, two)

        await asyncio.gather(
            *(
                ask(device, service)
                for device in lab.fleet.devices
                if device.address.split(".")[2] in ("1", "2")
                for service in device.services
                if not isinstance(service, Odd)
            )
        )
    return seen


def facts(device: Device, service: Service) -> tuple[str, Facts]:
    """The table that a service fills, and what must stand in it."""
    match service:
        case Web():
            scheme = {Page.BASIC: "basic", Page.DIGEST: "digest"}.get(service.page)
            redirect = service.page is Page.REDIRECT
            product, _, version = service.server.partition("/")
            return "http_service", {
                "tls": service.tls is not None,
                "status": 401 if scheme else 301 if redirect else 200,
                "server": service.server,
                "product": product,
                "version": version or None,
                "login_form": service.page is Page.LOGIN,
                "login_form_in_clear": service.tls is None if service.page is Page.LOGIN else None,
                "open_admin": service.page is Page.ADMINISTRATION,
                "directory_listing": service.page is Page.LISTING,
                "auth_scheme": scheme,
                "redirects_to_https": redirect,
                "cookies": int(service.cookie is not Cookie.NONE),
                "cookies_without_flags": int(service.cookie is Cookie.BARE),
                "cors_any_origin": service.cors_any_origin,
                "hsts": service.tls is not None,
                "model": service.model,
                "firmware_version": service.firmware_version,
            }
        case Telnet():
            return "telnet_service", {"login_prompt": not service.shell, "shell_prompt": service.shell}
        case Ssh():
            return "ssh_service", {"software": service.software, "protocol_version": service.protocol_version}
        case Rtsp():
            return "rtsp_service", {
                "server": service.server,
                "stream_open": not service.login,
                "auth_scheme": "digest" if service.login else None,
                "media": None if service.login else 1,
            }
        case Ftp():
            return "ftp_service", {
                "anonymous_accepted": service.anonymous,
                "auth_tls": service.auth_tls is not None,
                "banner": service.banner,
            }
        case Snmp():
            return "snmp_agent", {
                "v3": True,
                "engine_id": service.engine_id.hex(),
                "public_v1": service.public,
                "public_v2c": service.public,
                "description": service.description if service.public else None,
            }
        case Modbus():
            open_to_all = service.identification
            return "modbus_device", {
                "vendor": service.vendor if open_to_all else None,
                "product_code": service.product_code if open_to_all else None,
                "revision": service.revision if open_to_all else None,
                "exception": None if open_to_all else 10,
            }
        case OpcUa():
            return "opcua_endpoint", {"application_uri": service.application_uri, "application_name": service.application_name}
        case Mqtt():
            let_in = service.anonymous
            return "mqtt_broker", {
                "tls": service.tls is not None,
                "anonymous_accepted": let_in,
                "return_code": 0 if let_in else 5,
                "wildcard_granted": service.wildcard if let_in else None,
                "wildcard_delivered": service.wildcard if let_in else None,
                "sys_delivered": service.sys if let_in else None,
                "broker_version": "harbour broker 1.0" if let_in and service.sys else None,
            }
        case Coap():
            return "coap_service", {
                "code": "2.05",
                "resources": ["/.well-known/core", *service.resources],
                "readable": list(service.resources) if service.readable else [],
                "tried": len(service.resources),
            }
        case Ssdp():
            return "announcement", {"protocol": "ssdp", "name": service.server, "leaks": None}
        case Mdns():
            return "announcement", {"protocol": "mdns", "leaks": ["location", "serial"] if service.leaks else []}
        case Odd():
            raise AssertionError("no probe")


def test_what_is_found_is_what_the_fleet_says(found: tuple[Found, Lab]) -> None:
    wrong = {}
    for (name, port), (device, service, seen, _) in found[0].items():
        table, expected = facts(device, service)
        rows = seen.rows(table)
        if seen.covered(table) != (Outcome.OK, len(rows)) or not rows:
            wrong[name, port] = (seen.covered(table), seen.detail(table))
        for row in rows:
            different = {column: (row[column], value) for column, value in expected.items() if row[column] != value}
            if different:
                wrong[name, port] = different  # type: ignore[assignment] # what was found and what should have been
    assert not wrong


def test_host_keys_and_algorithms(found: tuple[Found, Lab]) -> None:
    for device, service, seen, _ in found[0].values():
        if isinstance(service, Ssh):
            [row] = seen.rows("ssh_host_key")
            assert row["spki_sha256"].startswith(public_digest(private_key(service.host_key.kind, service.host_key.name))), device.name
            assert ("3des-cbc" in seen.row("ssh_service")["ciphers"]) is service.weak_algorithms, device.name


def test_tls_endpoints(found: tuple[Found, Lab]) -> None:
    for device, service, _, seen in found[0].values():
        tls = getattr(service, "tls", None)
        if tls is None or seen is None:
            continue
        row = seen.row("tls_endpoint")
        old = tls.oldest == "tls1.0"
        assert seen.covered("tls_endpoint") == (Outcome.OK, 1), (device.name, seen.detail("tls_endpoint"))
        assert (row["tls1_0"], row["tls1_2"], row["best_version"]) == (old, True, "tls1.3"), device.name
        assert row["weak_kinds"] == (["null"] if tls.null_suite else []), device.name
        assert bool(row["old_suites"]) is old, device.name
        leaf, *rest = seen.rows("certificate")
        assert leaf["not_after"] == tls.certificate.not_after, device.name
        assert leaf["signature_hash"] == tls.certificate.signature_hash, device.name
        assert bool(rest) is tls.sends_authority, device.name
        if tls.certificate.key_kind.startswith("rsa"):
            assert leaf["key_bits"] == int(tls.certificate.key_kind.removeprefix("rsa-")), device.name


def test_opcua_endpoints(found: tuple[Found, Lab]) -> None:
    for device, service, seen, _ in found[0].values():
        if isinstance(service, OpcUa):
            modes = {row["security_mode"]: row["token_types"] for row in seen.rows("opcua_endpoint")}
            assert modes["SignAndEncrypt"] == ["UserName"]
            assert ("None" in modes) is service.unsecured, device.name
            assert "Anonymous" in modes.get("None", ["Anonymous"])


def test_nobody_was_harmed(found: tuple[Found, Lab]) -> None:
    _, lab = found
    assert lab.watch.harms == []
    assert {protocol for _, protocol in lab.watch.logins} <= {"ftp"}
    assert all(tries == 1 for tries in lab.watch.logins.values())
