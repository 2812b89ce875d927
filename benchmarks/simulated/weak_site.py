"""A site of devices that are all wrong in the same ten ways, written as a bundle: for reports of many findings."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from plumbline.evidence.bundle import BundleWriter
from plumbline.model.words import Outcome

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SERVICES = {
    "tcp/21": ("ftp_service", {"port": 21, "anonymous_accepted": True, "auth_tls": True}),
    "tcp/80": ("http_service", {"status": 200, "login_form": True, "login_form_in_clear": True, "open_admin": True, "cookies": 2}),
    "tcp/554": ("rtsp_service", {"port": 554, "stream_open": True, "describe_status": 200}),
    "tcp/1883": ("mqtt_broker", {"port": 1883, "tls": False, "anonymous_accepted": True, "wildcard_granted": True}),
    "udp/161": ("snmp_agent", {"port": 161, "public_v1": True, "public_v2c": True, "v3": False}),
    "tcp/443": ("tls_endpoint", {"port": 443, "ssl3": True, "tls1_0": True, "tls1_1": True, "tls1_2": True, "tls1_3": False}),
}
HTTP = {"port": 80, "tls": False, "directory_listing": True, "cookies_without_flags": 2, "server": "GoAhead-Webs/2.5", "version": "2.5"}


def write_site(path: Path, devices: int) -> None:
    """Write the bundle; each device is declared, with a name and a model."""
    rig = {"id": "weak", "name": "A site of weak devices", "owner": "Benchmark"}
    writer = BundleWriter.create(path, rig_text="", header={"rig": rig}, now=NOW)
    for number in range(devices):
        with writer.batch() as batch:
            address = f"10.20.{number // 250}.{number % 250 + 1}"
            host, declared = f"host:weak/{address}", f"declared:weak/device-{number:05}"
            names = {"id": f"device-{number:05}", "name": f"device {number}", "address": address, "model": "northwind/cam-3"}
            batch.row("declared_asset", declared, observed_at=NOW, safety=False, **names)
            batch.coverage(declared, "declared_asset", outcome=Outcome.OK, rows=1, started_at=NOW, ended_at=NOW)
            batch.row("host", host, observed_at=NOW, address=address, open_ports=len(SERVICES), closed_ports=40, silent_ports=0)
            for subject, (table, columns) in SERVICES.items():
                more = HTTP if table == "http_service" else {}
                batch.row(table, host, subject, observed_at=NOW, **columns, **more)
                batch.coverage(host, table, subject, outcome=Outcome.OK, rows=1, started_at=NOW, ended_at=NOW)
    writer.finish(ended_at=NOW, complete=True)
