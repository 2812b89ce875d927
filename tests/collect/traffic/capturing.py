"""Collect from captures that a test wrote."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from plumbline.collect import traffic
from plumbline.rig.models import Capture, Network, Rig
from plumbline.rig.secrets import keyed_digest
from tests.collect.collecting import KEY, Collected, rig_of, run
from tests.collect.traffic.packets import pcap

COMMON = ("raw", "permit", "observed_at")


def rig_with(folder: Path, *paths: Path, sites: tuple[str, ...] = ("harbour",)) -> Rig:
    networks = tuple(
        Network(name=f"net {number}", site=site, ranges=(ip_network(f"10.{20 + number}.0.0/16"),), ports=(), udp_ports=())
        for number, site in enumerate(sites)
    )
    return replace(rig_of(folder), captures=tuple(Capture(path) for path in paths), networks=networks)


def collect_bytes(folder: Path, data: bytes, name: str = "day.pcap") -> Collected:
    path = folder / name
    path.write_bytes(data)
    return run(traffic.collect, rig_with(folder, path))


def collect_frames(folder: Path, *frames: Iterable[bytes]) -> Collected:
    return collect_bytes(folder, pcap(frame for part in frames for frame in part))


def shown(collected: Collected, table: str, *columns: str) -> list[dict[str, Any]]:
    """Rows of a table, with the named columns only."""
    return [{column: row[column] for column in columns} for row in collected.rows(table)]


def digest(kind: str, secret: str) -> str:
    return keyed_digest(KEY, kind, secret.encode())
