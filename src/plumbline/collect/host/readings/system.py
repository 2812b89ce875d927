"""What a system is: its release, its kernel, its hardware, since when it runs, and what keeps its clock right."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from plumbline.collect.host.outputs import Report
from plumbline.collect.host.processes import processes
from plumbline.collect.host.reading import Reading
from plumbline.rig.secrets import keyed_digest

# Longest first: of two that run, the first is named.
TIME_PROGRAMS = ("systemd-timesyncd", "chronyd", "ntpd", "ntpsec", "openntpd", "ptp4l", "sntp")
_NAME_MAX = 15  # characters of a name in /proc/<pid>/status
_PAIR = re.compile(r"([A-Z_]{1,40})=(?:\"([^\"]*)\"|'([^']*)'|(.*))")
_VERSION_FILES = (
    *("/etc/openwrt_version", "/etc/fw_version", "/etc/firmware_version", "/etc/firmware-version", "/etc/version"),
    *("/etc/alpine-release", "/etc/debian_version"),
)
_HARDWARE = {
    "/sys/class/dmi/id/sys_vendor": "vendor",
    "/sys/class/dmi/id/product_name": "model",
    "/proc/device-tree/model": "model",
    "/sys/class/dmi/id/product_serial": "serial",
    "/proc/device-tree/serial-number": "serial",
    "/sys/class/dmi/id/bios_version": "firmware",
}
_ZONE = re.compile(r".*/zoneinfo/(?:posix/|right/)?(.+)")


def read(report: Report) -> None:
    """Write the one row of a system."""
    columns = {**_release(report), **_kernel(report), **_clock(report), **_hardware(report)}
    seen = processes(report)
    names = {one.name for one in seen.values()} if seen is not None else set()
    if seen is not None:
        columns["time_sync"] = next((name for name in TIME_PROGRAMS if name[:_NAME_MAX] in names), "")
    digest = (report.text("machine_id") or "").strip()
    if re.fullmatch(r"[0-9a-f]{64}", digest):
        columns["machine_id"] = keyed_digest(report.key, "machine_id", digest.encode())
    virtual = (report.text("virtualisation") or "").split()
    if not columns and not virtual:
        return
    report.row(
        "system",
        "",
        "os_release" if report.text("os_release") else "kernel",
        source=report.source,
        seen_at=report.seen_at,
        declared_id=report.declared_id,
        root=report.root,
        virtualisation=virtual[0] if virtual else None,
        **columns,
    )


def release(report: Report) -> dict[str, str]:
    """Give the pairs of os-release(5)."""
    found: dict[str, str] = {}
    for line in report.lines("os_release"):
        if pair := _PAIR.fullmatch(line.strip()):
            found.setdefault(pair[1], next((one for one in pair.groups()[1:] if one), "").strip())
    return found


def _release(report: Report) -> dict[str, Any]:
    pairs = release(report)
    files = {path: text for path, _, text in (line.partition(" ") for line in report.lines("vendor_release")) if text.strip()}
    version = pairs.get("VERSION_ID") or next((files[path] for path in _VERSION_FILES if path in files), None)
    said = {"os_name": pairs.get("NAME"), "os_id": pairs.get("ID"), "os_version": version}
    return {name: value for name, value in said.items() if value}


def _kernel(report: Report) -> dict[str, Any]:
    lines = list(report.lines("kernel"))
    if len(lines) != 5:
        return {}
    _, kernel, build, architecture, hostname = lines
    return {"kernel_release": kernel, "kernel_build": build, "architecture": architecture, "hostname": hostname}


def _clock(report: Report) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in report.lines("clock"):
        word, _, value = line.partition(" ")
        if word == "boot" and (moment := moment_of(value)) is not None:
            found["boot_at"] = moment
        elif word == "zone" and value.strip():
            place = _ZONE.fullmatch(value.strip())
            found["timezone"] = place[1] if place else value
    return found


def moment_of(text: str) -> datetime | None:
    """Read seconds since 1970, of this century; None: they are not."""
    if not re.fullmatch(r"\d{9,10}", text.strip()):
        return None
    return datetime.fromtimestamp(int(text), UTC)


def _hardware(report: Report) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in report.lines("hardware"):
        path, _, value = line.partition(" ")
        if path in _HARDWARE and value.strip():
            found.setdefault(_HARDWARE[path], value)
    return found


READING = Reading(("system",), read)
