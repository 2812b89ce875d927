"""A cold store at a harbour, collected and judged: all layers, written through the bundle, the contact log and assess."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from plumbline.assess.run import assess
from plumbline.evidence.bundle import Batch, BundleWriter
from plumbline.evidence.specs import load_tables
from plumbline.model.words import EntityKind, Outcome
from plumbline.net.contacts import ContactLog

START = datetime(2026, 11, 21, 2, 58, tzinfo=UTC)
RIG = {"id": "northwind-harbour", "name": "Harbour cold store", "owner": "Northwind Logistics", "sha256": "ab" * 32}
ALLOWED = {
    "reference": "NW-2026-118",
    "granted_by": "Head of operations",
    "valid_from": "2026-11-01T00:00:00+00:00",
    "valid_until": "2026-12-01T00:00:00+00:00",
    "intrusion": "session",
    "networks": ["10.20.0.0/16"],
    "signed_by": None,
}
PERMIT = "NW-2026-118/cold rooms/tcp"
# id, name, last byte of the address, hub id, class, criticality, open ports
DEVICES: tuple[tuple[str, str, int, str | None, str, str, tuple[int, ...]], ...] = (
    ("dock-cam-1", "dock camera 1", 14, "cam-0001", "it", "high", (23, 80, 443, 554)),
    ("dock-cam-2", "dock camera 2", 15, "cam-0002", "it", "high", (80, 443, 554)),
    ("thermo-3", "cold room 3 thermometer", 31, "thermo-3", "it", "critical", (80,)),
    ("thermo-4", "cold room 4 thermometer", 32, "thermo-4", "it", "critical", (80,)),
    ("plc-1", "compressor PLC", 40, None, "ot", "critical", (502,)),
    ("door-1", "door controller", 44, None, "it", "medium", (22, 443)),
    ("meter-1", "energy meter", 50, None, "it", "low", (161,)),
    ("printer-1", "label printer", 61, None, "it", "low", (80, 9100)),
    ("gateway-1", "harbour gateway", 70, "gateway-1", "it", "critical", (22, 1883, 8883)),
)


class Clock:
    """A clock that goes a second ahead at each look."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def monotonic_ns(self) -> int:
        return int((self._now - START).total_seconds() * 1e9)


def host(last: int) -> str:
    return f"host:harbour/10.20.1.{last}"


def collected(path: Path, *, words: str = "GoAhead-Webs", complete: bool = True) -> Path:
    """Write the bundle; `words` is what devices say of themselves."""
    writer = BundleWriter.create(path, rig_text="[rig]\n", header={"rig": RIG, "authorisation": ALLOWED, "parameters": {}}, now=START)
    with writer.batch() as batch:
        _Rows(writer, batch, words).all()
    _contacts(path)
    writer.finish(
        ended_at=START + timedelta(minutes=42), complete=complete, notes=[] if complete else [f"three devices went silent: {words}"]
    )
    return path


def judged(out: Path, **options: Any) -> Path:
    """Collect into OUT/bundle and judge into OUT."""
    assess([collected(out / "bundle", **options)], out)
    return out


class _Rows:
    """Fills one batch."""

    def __init__(self, writer: BundleWriter, batch: Batch, words: str) -> None:
        self.writer = writer
        self.batch = batch
        self.words = words
        self.at = START + timedelta(minutes=12)
        self.covered: set[tuple[str, str]] = set()

    def put(self, table: str, entity: str, subject: str = "", *, raw: str | None = None, **columns: Any) -> None:
        self.batch.row(
            table, entity, subject, observed_at=self.at, raw=raw, permit=PERMIT if entity.startswith("host:") else None, **columns
        )

    def cover(
        self, entity: str, table: str, subject: str = "", outcome: Outcome = Outcome.OK, rows: int = 1, detail: str | None = None
    ) -> None:
        self.covered.add((entity, table))
        self.batch.coverage(entity, table, subject, outcome=outcome, rows=rows, started_at=self.at, ended_at=self.at, detail=detail)

    def all(self) -> None:
        self.declared_and_found()
        self.cameras()
        self.others()
        self.gateway()
        self.cloud()
        self.firmware()
        self.traffic()
        self.custom()
        self.nothing_else()

    def declared_and_found(self) -> None:
        for name, words, last, hub, kind, criticality, _ in DEVICES:
            declared = {"hub_device_id": hub, "class": kind, "criticality": criticality, "safety": name == "plc-1"}
            self.put(
                "declared_asset",
                f"declared:harbour/{name}",
                id=name,
                name=words,
                address=f"10.20.1.{last}",
                model="northwind/x",
                **declared,
            )
            self.cover(f"declared:harbour/{name}", "declared_asset")
        for last, ports in [*((device[2], device[6]) for device in DEVICES), (77, (80,))]:
            counts = {"open_ports": len(ports), "closed_ports": 45 - len(ports), "silent_ports": 0}
            mac = f"24:a4:3c:10:00:{last:02x}"
            self.put("host", host(last), address=f"10.20.1.{last}", mac=mac, network="cold rooms", **counts)
            for port in ports:
                transport = "udp" if port == 161 else "tcp"
                self.put(
                    "service", host(last), f"{transport}/{port}", port=port, transport=transport, product=self.words, expected_port=True
                )
                self.cover(host(last), "service", f"{transport}/{port}")
        self.cover("network:harbour/cold rooms", "host", rows=10)

    def cameras(self) -> None:
        raw = self.writer.raw(
            f"HTTP/1.1 200 OK\r\nServer: {self.words}\r\nSet-Cookie: <redacted:cookie:k1:4f2a>\r\n\r\n<html>".encode() + b"x" * 900
        )
        for last in (14, 15, 31, 32, 61, 77):
            page = {"status": 200, "server": self.words, "title": self.words, "tls": False, "port": 80, "cookies": 1}
            weak = last in (14, 15, 77)
            flags = {"cookies_without_flags": int(weak), "login_form": weak, "login_form_in_clear": weak, "open_admin": last == 61}
            self.put(
                "http_service", host(last), "tcp/80", raw=raw, product=self.words, version="2.5", directory_listing=False, **page, **flags
            )
            self.cover(host(last), "http_service", "tcp/80")
        for last in (14, 15, 44):
            shared = "77" * 32 if last in (14, 15) else "78" * 32
            versions = {"ssl3": False, "tls1_0": last == 14, "tls1_1": last == 14, "tls1_2": True, "tls1_3": last == 44}
            self.put("tls_endpoint", host(last), "tcp/443", port=443, protocol="http", weak_suites=[], old_suites=[], **versions)
            names = {"subject_name": f"CN={self.words}", "issuer_name": "CN=factory", "sha256": "01" * 32, "sha1": f"{last:02d}" * 20}
            ends = {"not_before": START - timedelta(days=900), "not_after": START + timedelta(days=20 if last == 15 else 900)}
            keys = {"key_type": "rsa", "key_bits": 2048, "spki_sha256": shared, "signature_hash": "sha256", "position": 0, "port": 443}
            self.put("certificate", host(last), "tcp/443", self_signed=True, **names, **ends, **keys)
            self.cover(host(last), "tls_endpoint", "tcp/443")
            self.cover(host(last), "certificate", "tcp/443")
        self.put("telnet_service", host(14), "tcp/23", port=23, login_prompt=True, shell_prompt=False, banner=self.words)
        self.cover(host(14), "telnet_service", "tcp/23")
        for last, is_open in ((14, True), (15, None)):
            if is_open is not None:
                self.put("rtsp_service", host(last), "tcp/554", port=554, stream_open=is_open, describe_status=200, server=self.words)
            self.cover(host(last), "rtsp_service", "tcp/554", Outcome.OK if is_open else Outcome.TIMEOUT, int(bool(is_open)))

    def others(self) -> None:
        self.put("modbus_device", host(40), "tcp/502", port=502, unit=1, vendor=self.words, product_code="M221")
        self.cover(host(40), "modbus_device", "tcp/502")
        self.put("snmp_agent", host(50), "udp/161", port=161, public_v1=False, public_v2c=True, v3=True, description=self.words)
        self.cover(host(50), "snmp_agent", "udp/161")
        for last in (44, 70):
            key = {"key_type": "ssh-ed25519", "key_bits": 256, "fingerprint": f"SHA256:{self.words}", "spki_sha256": f"{last}" * 32}
            self.put("ssh_host_key", host(last), "tcp/22/ssh-ed25519", port=22, **key)
            self.cover(host(last), "ssh_host_key", "tcp/22")
            self.cover(host(last), "ssh_service", "tcp/22", Outcome.REFUSED, 0, f"banned after one look: {self.words}")

    def gateway(self) -> None:
        for port, tls in ((1883, False), (8883, True)):
            heard = {"anonymous_accepted": not tls, "return_code": 0 if not tls else 5, "wildcard_granted": not tls or None}
            counts = {"wildcard_delivered": not tls or None, "messages": 41 if not tls else None, "sys_delivered": False}
            self.put("mqtt_broker", host(70), f"tcp/{port}", port=port, tls=tls, versions=["3.1.1", "5.0"], **heard, **counts)
            self.cover(host(70), "mqtt_broker", f"tcp/{port}")
        self.put("edge_deployment", "edge:/gateway-1", device_id="gateway-1", path="edge/deployment.json", modules=2, routes=1)
        for name, weak in (("reader", True), ("uploader", False)):
            risky = {"privileged": weak, "docker_socket": weak, "cap_add": ["NET_ADMIN"] if weak else [], "sensitive_mounts": []}
            image = {"image": "northwind/reader:latest" if weak else "northwind/uploader@sha256:" + "1" * 64, "pinned": not weak}
            rest = {"host_namespaces": [], "secret_environment": [self.words] if weak else [], "options_valid": True, "system": False}
            self.put("edge_module", "edge:/gateway-1", f"module/{name}", name=name, **risky, **image, **rest)
        for table in ("edge_deployment", "edge_module"):
            self.cover("edge:/gateway-1", table, rows=1)
        self.cover("edge:/gateway-1", "edge_registry", outcome=Outcome.NOT_SUPPORTED, rows=0, detail="this manifest names no registry")

    def cloud(self) -> None:
        rules = {"public_network_access": "Enabled", "default_action": "Allow", "ip_rules": [], "disable_local_auth": False}
        self.put("hub", "hub:/northwind", name="northwind", min_tls_version="1.2", disable_device_sas=False, **rules)
        self.cover("hub:/northwind", "hub")
        for number, name in enumerate(("cam-0001", "cam-0002", "thermo-3", "thermo-4", "gateway-1", "old-cam-9")):
            auth = {
                "auth_type": "sas",
                "status": "enabled",
                "keys_excluded": False,
                "primary_key_digest": f"k1:{number // 2}",
                "hub": "northwind",
            }
            seen = START - timedelta(days=400 if name == "old-cam-9" else 1)
            different = {"secondary_key_digest": f"k1:second{number}", "last_activity_at": seen, "never_connected": False}
            self.put("hub_identity", f"identity:northwind/{name}", device_id=name, **auth, **different)
            self.put(
                "hub_twin",
                f"identity:northwind/{name}",
                device_id=name,
                hub="northwind",
                secrets=[],
                drift=["interval"] if number == 2 else [],
            )
        self.cover("hub:/northwind", "hub_identity", rows=6)
        self.cover("hub:/northwind", "hub_twin", rows=6)

    def firmware(self) -> None:
        image = "image:/cam-1.4.2.bin"
        self.put("image", image, raw=f"file/{'5c' * 32}@0", path="images/cam-1.4.2.bin", format="squashfs", os_name="Linux", files=811)
        self.put(
            "image_account",
            image,
            "account/root",
            raw=f"file/{'5c' * 32}@81920",
            name="root",
            state="hash",
            scheme="md5",
            path="etc/passwd",
        )
        where = {"path": f"etc/ssl/{self.words}.pem", "use": "tls", "key_type": "rsa", "key_bits": 2048}
        self.put("image_key", image, where["path"], raw=f"file/{'5c' * 32}@90112", spki_sha256="77" * 32, encrypted=False, **where)
        for table in ("image", "image_account", "image_key"):
            self.cover(image, table)
        self.cover(image, "image_file", outcome=Outcome.PARTIAL, rows=0, detail="cut at byte 1,048,576")

        self.cover("image:/unknown.bin", "image", outcome=Outcome.NOT_SUPPORTED, rows=0, detail="an unknown compression")

    def custom(self) -> None:
        rig = f"rig:/{RIG['id']}"
        self.put("custom_part", rig, "part/camera firmware", name="camera firmware", kind="firmware", path="images/cam-1.4.2.bin")
        self.put("custom_part", rig, "part/old firmware", name="old firmware", kind="firmware", path="images/unknown.bin")
        for name in ("reader", "uploader", "ghost"):
            self.put("custom_part", rig, f"part/{name}", name=name, kind="module", module=name)
        self.cover(rig, "custom_part", rows=5)

    def traffic(self) -> None:
        capture = "capture:harbour/dock.pcapng"
        for last in (31, 32, 70):
            address = f"10.20.1.{last}"
            self.put("station", f"station:harbour/{address}", address=address, mac=f"24:a4:3c:10:00:{last:02x}", packets=412, bytes=51_200)
        flow = {"server": "10.20.1.70", "server_port": 1883, "transport": "tcp", "protocol": "mqtt", "encrypted": False, "external": False}
        self.put("flow", "station:harbour/10.20.1.31", "*->tcp/10.20.1.70/1883", clear_credentials=["mqtt password"], connections=2, **flow)
        client = {"client_id": "thermo-3", "server": "10.20.1.70", "server_port": 1883, "password_present": True, "accepted": True}
        self.put("mqtt_client", "station:harbour/10.20.1.31", "tcp/10.20.1.70/1883/thermo-3", **client)
        self.put("capture", capture, path="captures/dock.pcapng", packets=1236, format="pcapng", packets_skipped=3)
        for table, spec in load_tables().items():
            if spec.kinds == (EntityKind.CAPTURE,):
                partial = table == "capture"
                self.cover(
                    capture, table, outcome=Outcome.PARTIAL if partial else Outcome.OK, detail="cut at byte 81,920" if partial else None
                )

    def nothing_else(self) -> None:
        """A closed port is an answer: whatever else was looked for on the hosts is absent."""
        for last in [*(device[2] for device in DEVICES), 77]:
            for table, spec in load_tables().items():
                if spec.kinds == (EntityKind.HOST,) and (host(last), table) not in self.covered:
                    self.cover(host(last), table, rows=0)


def _contacts(path: Path) -> None:
    with ContactLog(path / "contacts.jsonl", Clock(), header={"rig": RIG["id"]}) as log:
        for event in _events():
            log.write(**event)


def _events() -> Iterator[dict[str, Any]]:
    for _, _, last, _, kind, _, ports in DEVICES:
        common = {"address": f"10.20.1.{last}", "site": "harbour", "permit": PERMIT, "intrusion": "query", "transport": "tcp"}
        for port in (21, 22, 23, 80, 443, 502, 554, 1883, 8883) if kind == "it" else (502,):
            yield {"event": "connect", "port": port, "why": "sweep", "outcome": "ok" if port in ports else "refused", **common}
        for port in ports:
            yield {"event": "request", "port": port, "why": f"probe of port {port}", "outcome": "sent", "sent_bytes": 61, **common}
            yield {"event": "received", "port": port, "why": f"probe of port {port}", "outcome": "ok", "received_bytes": 912, **common}
    away = {"address": "10.20.1.14", "port": None, "transport": "tcp", "why": "redirect", "permit": "", "intrusion": "query"}
    yield {"event": "refused", "outcome": "outside_networks", "detail": "203.0.113.9 is outside the networks", **away}
