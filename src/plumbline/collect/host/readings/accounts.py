"""Accounts: who may log in, how the password is kept, and who has rights of root. No hash comes here: the system told only its scheme."""

from __future__ import annotations

import re
from collections import defaultdict

from plumbline.collect.host.outputs import Report
from plumbline.collect.host.reading import Reading
from plumbline.collect.password_schemes import scheme_of
from plumbline.model.words import Outcome

ACCOUNTS_MAX = 10_000
_CLOSED = re.compile(r".*/(?:nologin|false|sync|shutdown|halt)")
_STATE = re.compile(r"(empty|locked|shadow)|hash ([0-9a-z][-0-9a-z]{0,15})")


def read(report: Report) -> None:
    """Write a row for each account of passwd."""
    shadow = {fields[0]: fields[1] for fields in _fields(report, "shadow", 2)}
    groups = _groups(report)
    sudo = _sudo(report)
    keys = _keys(report)
    for number, (name, state, uid, gid, shell) in enumerate(_fields(report, "passwd", 5)):
        if number == ACCOUNTS_MAX:
            report.short(Outcome.PARTIAL, f"more than {ACCOUNTS_MAX} accounts", "system_account")
            return
        word, scheme = _password(shadow.get(name) if state == "shadow" else state, whole=report.whole("shadow"))
        of_account = (
            sorted(group for group, (number_, members) in groups.items() if name in members or gid == number_)
            if groups is not None
            else None
        )
        report.row(
            "system_account",
            f"account/{name}",
            "passwd",
            name=name,
            uid=int(uid) if re.fullmatch(r"\d{1,10}", uid) else None,
            shell=shell or "/bin/sh",  # passwd(5): an empty field means this one
            interactive=not _CLOSED.fullmatch(shell),
            state=word,
            scheme=scheme,
            groups=of_account,
            sudo=_granted(sudo, name, of_account or []) if sudo is not None else None,
            authorized_keys=keys.get(name, 0 if report.whole("authorized_keys") else None),
        )


def _fields(report: Report, command: str, count: int) -> list[list[str]]:
    found = []
    for line in report.lines(command):
        fields = line.split("\t")
        if len(fields) != count or not fields[0] or not _STATE.fullmatch(fields[1]):
            report.unread(command, line)
        else:
            found.append(fields)
    return found


def _password(state: str | None, *, whole: bool) -> tuple[str | None, str | None]:
    """Read the state that the system gave; an account that a whole shadow file lacks has no password that opens it."""
    if state is None or state == "shadow":
        return ("locked", None) if whole else (None, None)
    word, _, scheme = state.partition(" ")
    return word, scheme_of(scheme) or None


def _groups(report: Report) -> dict[str, tuple[str, set[str]]] | None:
    """Give the number and the members of each group; None: they were not read."""
    if report.text("groups") is None:
        return None
    found: dict[str, tuple[str, set[str]]] = {}
    for line in report.lines("groups"):
        fields = line.split("\t")
        if len(fields) != 3:
            report.unread("groups", line)
        else:
            found[fields[0]] = (fields[1], set(fields[2].split(",")) - {""})
    return found


def _sudo(report: Report) -> dict[str, str] | None:
    """Give what sudoers names for accounts and groups (with %); None: it was not read. No such file is an answer: nothing."""
    if not report.whole("sudoers"):
        return None
    found: dict[str, str] = {}
    for line in report.lines("sudoers"):
        name, _, word = line.strip().partition(" ")
        found[name] = max(word, found.get(name, ""), key=("", "password", "nopasswd").index) if word in ("password", "nopasswd") else ""
    return found


def _granted(sudo: dict[str, str], name: str, groups: list[str]) -> str:
    words = {sudo.get(name, ""), sudo.get("ALL", ""), *(sudo.get(f"%{group}", "") for group in groups)}
    return next((word for word in ("nopasswd", "password") if word in words), "")


def _keys(report: Report) -> dict[str, int | None]:
    """Count the SSH keys of each account; None: some could not be read."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in report.lines("authorized_keys"):
        name, _, count = line.strip().rpartition(" ")
        found[name].append(count)
    return {name: sum(map(int, counts)) if all(re.fullmatch(r"\d{1,6}", one) for one in counts) else None for name, counts in found.items()}


READING = Reading(("system_account",), read)
