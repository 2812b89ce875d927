"""A small rig's bundle with every kind of verdict in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from plumbline.evidence.bundle import BundleWriter
from plumbline.model.words import Outcome

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
END = NOW + timedelta(hours=1)
CAMERA, ROUTER, HUB, CAPTURE = "host:s/10.0.0.5", "host:s/10.0.0.6", "hub:/northwind", "capture:/dock.pcap"
RIG = '[rig]\nid = "t"\n'

Row = tuple[str, str, str, Mapping[str, Any]]
ROWS: Sequence[Row] = (
    (
        "declared_asset",
        "declared:s/cam-1",
        "",
        {
            "id": "cam-1",
            "name": "dock camera",
            "address": "10.0.0.5",
            "hub_device_id": "cam-0001",
            "class": "it",
            "criticality": "high",
            "safety": False,
        },
    ),
    ("host", CAMERA, "", {"address": "10.0.0.5", "network": "n"}),
    ("host", ROUTER, "", {"address": "10.0.0.6", "network": "n"}),
    ("mqtt_broker", CAMERA, "tcp/1883", {"port": 1883, "tls": False, "anonymous_accepted": True}),
    ("mqtt_broker", ROUTER, "tcp/1883", {"port": 1883, "tls": False, "anonymous_accepted": False}),
    (
        "ssh_host_key",
        CAMERA,
        "tcp/22/ssh-ed25519",
        {"port": 22, "key_type": "ssh-ed25519", "key_bits": 256, "fingerprint": "SHA256:x", "spki_sha256": "aa"},
    ),
    (
        "ssh_host_key",
        ROUTER,
        "tcp/22/ssh-ed25519",
        {"port": 22, "key_type": "ssh-ed25519", "key_bits": 256, "fingerprint": "SHA256:x", "spki_sha256": "aa"},
    ),
    (
        "hub_identity",
        "identity:northwind/cam-0001",
        "",
        {
            "hub": "northwind",
            "device_id": "cam-0001",
            "status": "enabled",
            "auth_type": "sas",
            "last_activity_at": NOW - timedelta(days=400),
            "keys_excluded": True,
        },
    ),
)
COVERAGE: Sequence[tuple[str, str, str, Outcome, int]] = (
    ("declared:s/cam-1", "declared_asset", "", Outcome.OK, 1),
    ("network:s/n", "host", "", Outcome.OK, 2),
    (CAMERA, "mqtt_broker", "tcp/1883", Outcome.OK, 1),
    (ROUTER, "mqtt_broker", "tcp/1883", Outcome.OK, 1),
    (ROUTER, "mqtt_broker", "tcp/8883", Outcome.TIMEOUT, 0),
    (CAMERA, "telnet_service", "tcp/23", Outcome.OK, 0),
    (CAMERA, "ssh_host_key", "tcp/22", Outcome.OK, 1),
    (ROUTER, "ssh_host_key", "tcp/22", Outcome.OK, 1),
    (HUB, "hub_identity", "", Outcome.OK, 1),
    (CAPTURE, "capture", "", Outcome.PROTOCOL_ERROR, 0),
    (CAPTURE, "flow", "", Outcome.PROTOCOL_ERROR, 0),
)


def write_bundle(
    path: Path,
    rows: Sequence[Row] = ROWS,
    coverage: Sequence[tuple[str, str, str, Outcome, int]] = COVERAGE,
    *,
    rig_text: str = RIG,
    rig_id: str = "t",
    parts: int = 1,
    complete: bool = True,
) -> Path:
    """Write a bundle of these rows, spread over some parts."""
    writer = BundleWriter.create(path, rig_text=rig_text, header={"rig": {"id": rig_id, "name": "Test"}}, now=NOW)
    for number in range(parts):
        with writer.batch() as batch:
            for table, entity, subject, columns in rows[number::parts]:
                batch.row(table, entity, subject, observed_at=NOW, **columns)
            for entity, table, subject, outcome, count in coverage[number::parts]:
                batch.coverage(
                    entity,
                    table,
                    subject,
                    outcome=outcome,
                    rows=count,
                    started_at=NOW,
                    ended_at=END,
                    detail=None if outcome is Outcome.OK else "why",
                )
        writer.flush()
    writer.finish(ended_at=END, complete=complete)
    return path
