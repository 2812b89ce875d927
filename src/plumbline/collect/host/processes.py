"""The processes of a system, from /proc/<pid>/status (proc(5)): name and effective user. No command lines: they may hold secrets.

Threads of the kernel, which are children of process 2, are left out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from plumbline.collect.host.outputs import Report

KERNEL = 2  # kthreadd
_LINE = re.compile(r"/proc/(\d{1,10})/status:(Name|PPid|Uid):\s*(.*)")


@dataclass(frozen=True, slots=True)
class Process:
    """One process; `uid` is the effective one."""

    pid: int
    name: str
    uid: int


def processes(report: Report) -> dict[int, Process] | None:
    """Give the processes by their ids; None: they were not seen."""
    if report.text("processes") is None:
        return None
    fields: dict[int, dict[str, str]] = defaultdict(dict)
    for line in report.lines("processes"):
        found = _LINE.fullmatch(line)
        if found is None:
            report.unread("processes", line)
        else:
            fields[int(found[1])][found[2]] = found[3].strip()
    made: dict[int, Process] = {}
    for pid, said in fields.items():
        uids = re.findall(r"\d{1,10}", said.get("Uid", ""))
        if said.get("Name") and len(uids) >= 2 and pid != KERNEL and said.get("PPid") != str(KERNEL):
            made[pid] = Process(pid, said["Name"], int(uids[1]))
    return made


def user_names(report: Report) -> dict[int, str]:
    """Give the names of users by their ids, as passwd says."""
    found: dict[int, str] = {}
    for line in report.lines("passwd"):
        fields = line.split("\t")
        if len(fields) == 5 and re.fullmatch(r"\d{1,10}", fields[2]):
            found.setdefault(int(fields[2]), fields[0])
    return found
