"""How a system gets its updates: what installs them by itself, from where, which wait, and how old its lists and packages are."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from plumbline.collect.host.outputs import Report
from plumbline.collect.host.package_sources import read_sources
from plumbline.collect.host.processes import processes
from plumbline.collect.host.reading import Reading
from plumbline.collect.host.readings.system import moment_of
from plumbline.model.words import Outcome

NAMES_MAX = 50
# Programs that fetch updates for a whole device; names as /proc/<pid>/status cuts them.
AGENTS = ("AducIotAgent", "balena-supervisor", "hawkbit-client", "mender", "mender-update", "rauc-hawkbit-updater", "snapd", "swupdate")
_TIMERS = {
    "dnf-automatic": "dnf-automatic",
    "dnf-automatic-install": "dnf-automatic",
    "yum-cron": "yum-cron",
    "rpm-ostreed-automatic": "rpm-ostree",
    "transactional-update": "transactional-update",
}
_INST = re.compile(r"Inst (\S+) (?:\[[^\]]*\] )?\(\S+ ([^)]*)\)?.*")
_APT = re.compile(r'APT::Periodic::(\S+) "([^"]*)";')


def read(report: Report) -> None:
    """Write the one row of a system."""
    mechanisms = _mechanisms(report)
    pending, security, names = _pending(report)
    sources = _sources(report)
    times = _times(report)
    if mechanisms is None and pending is None and not times and not sources:
        report.short(Outcome.NOT_SUPPORTED, "nothing tells how this system is updated", "system_update")
        return
    sure = mechanisms or (report.whole("update_settings") and report.whole("processes"))
    report.row(
        "system_update",
        "",
        "update_settings",
        automatic=bool(mechanisms) if sure else None,
        mechanism=", ".join(mechanisms or ()) if sure else None,
        pending=pending,
        pending_security=security,
        pending_names=names,
        **sources,
        **times,
    )


def _mechanisms(report: Report) -> list[str] | None:
    """Name what installs updates by itself; None: the settings were not read. What merely fetches lists is not among them."""
    if report.text("update_settings") is None:
        return None
    apt: dict[str, str] = {}
    tools, timers, found = set[str](), dict[str, list[str]](), []
    for line in report.lines("update_settings"):
        word, _, rest = line.strip().partition(" ")
        if word == "apt" and (setting := _APT.fullmatch(rest.strip())):
            apt[setting[1]] = setting[2]
        elif word == "tool":
            tools.add(rest)
        elif word == "timer":
            name, _, states = rest.partition(" ")
            timers[name] = states.split()
        elif word == "cron":
            found.append(f"cron {rest}")
    started = timers.get("apt-daily-upgrade", ["enabled"])[:1] in (["enabled"], ["static"])  # without systemd cron.daily does it
    if apt.get("Unattended-Upgrade", "0") not in ("", "0") and "unattended-upgrade" in tools and started:
        found.append("unattended-upgrades")
    found += [_TIMERS[name] for name, states in timers.items() if name in _TIMERS and states[:1] == ["enabled"]]
    running = {one.name for one in (processes(report) or {}).values()}
    found += [agent for agent in AGENTS if agent[:15] in running]
    return list(dict.fromkeys(found))


def _pending(report: Report) -> tuple[int | None, int | None, list[str] | None]:
    """Count the updates that wait: all, those for security, and the names."""
    if report.text("apt_pending") is not None and report.whole("apt_pending"):
        found = [match for line in report.lines("apt_pending") if (match := _INST.fullmatch(line.strip()))]
        security = [match[1] for match in found if "security" in match[2].lower()]
        others = [match[1] for match in found if match[1] not in set(security)]
        return len(found), len(security), [*security, *others][:NAMES_MAX]
    if report.text("apk_pending") is not None and report.whole("apk_pending"):
        names = [line.split()[0] for line in report.lines("apk_pending") if "<" in line.split()]
        return len(names), None, names[:NAMES_MAX]
    return None, None, None


def _sources(report: Report) -> dict[str, list[str]]:
    if report.text("update_sources") is None:
        return {}
    sources = read_sources(report.lines("update_sources"))
    unverified = [one.url for one in sources if one.verified is False]
    found = {"sources": [one.url for one in sources]}
    if unverified or (report.whole("update_sources") and all(one.verified for one in sources)):
        found["unverified_sources"] = unverified
    return found


def _times(report: Report) -> dict[str, Any]:
    found: dict[str, datetime] = {}
    for line in report.lines("update_times"):
        word, _, value = line.partition(" ")
        moment = moment_of(value)
        if word in ("installed", "lists") and moment is not None:
            found[f"{word}_at"] = max(moment, found.get(f"{word}_at", moment))
    return dict(found)


READING = Reading(("system_update",), read)
