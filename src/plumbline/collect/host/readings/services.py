"""Services: what systemd says, else the scripts that start with the system, and the programs that run where no manager tells."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from plumbline.collect.host.outputs import Report
from plumbline.collect.host.processes import processes, user_names
from plumbline.collect.host.reading import Reading
from plumbline.model.words import Outcome

SERVICES_MAX = 5_000
_ENABLED = {
    "enabled": True,
    "enabled-runtime": True,
    "linked": True,
    "disabled": False,
    "masked": False,
    "masked-runtime": False,
    "static": None,
}
_SCRIPT = re.compile(r"S\d+(.+)")


def read(report: Report) -> None:
    """Write a row for each service."""
    if report.text("systemd") is not None:
        _systemd(report)
        return
    scripts = {_SCRIPT.sub(r"\1", PurePosixPath(line.strip()).name) for line in report.lines("init_scripts")}
    for name in sorted(scripts):
        report.row("system_service", f"service/{name}", "init_scripts", name=name, manager="init", enabled=True, running=None, user=None)
    _programs(report, scripts)


def _systemd(report: Report) -> None:
    users, running = user_names(report), processes(report) or {}
    paragraphs = (report.text("systemd") or "").split("\n\n", SERVICES_MAX)
    if len(paragraphs) > SERVICES_MAX:
        report.short(Outcome.PARTIAL, f"systemd: more than {SERVICES_MAX} services", "system_service")
    units = [dict(line.split("=", 1) for line in paragraph.split("\n") if "=" in line) for paragraph in paragraphs[:SERVICES_MAX]]
    for unit in units:
        name, state = unit.get("Id", "").removesuffix(".service"), unit.get("ActiveState")
        if not name or unit.get("LoadState") == "not-found":
            continue
        main = running.get(int(unit["MainPID"])) if re.fullmatch(r"\d{1,10}", unit.get("MainPID", "")) else None
        user = unit.get("User") or (users.get(main.uid, str(main.uid)) if main else None)
        report.row(
            "system_service",
            f"service/{name}",
            "systemd",
            name=name,
            manager="systemd",
            enabled=_ENABLED.get(unit.get("UnitFileState", "")),
            running=state in ("active", "reloading") if state else None,
            user=user,
        )


def _programs(report: Report, told: set[str]) -> None:
    """Write a row for each program that runs: where several run as different users, as root goes first."""
    users = user_names(report)
    seen: dict[str, int] = {}
    for one in sorted((processes(report) or {}).values(), key=lambda one: (one.name, one.uid)):
        seen.setdefault(one.name, one.uid)
    for name, uid in list(seen.items())[:SERVICES_MAX]:
        if name not in told:
            user = users.get(uid, str(uid))
            report.row(
                "system_service", f"service/{name}", "processes", name=name, manager="process", enabled=None, running=True, user=user
            )


READING = Reading(("system_service",), read)
