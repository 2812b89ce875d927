"""Accounts of passwd and shadow files: who may log in, and how the password is kept.

Not a cracker: a hash becomes a keyed digest (law 8), its scheme stays. Rules (shadow(5), crypt(5)): an account's password stands in
shadow when passwd says `x`; `!` in front of a hash, `*`, and anything that no scheme yields, lock it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from plumbline.collect.password_schemes import scheme_of

LINES_MAX = 10_000
NAME_MAX = 128

_DES = re.compile(r"[./0-9A-Za-z]{13}|_[./0-9A-Za-z]{19}")
_MODULAR = re.compile(r"\$([0-9a-z][0-9a-z-]{0,15})\$.{8,400}")


@dataclass(frozen=True, slots=True)
class Account:
    """One account; `state` is locked, empty, hash, or elsewhere: in a shadow file that the image does not hold."""

    name: str
    uid: int | None
    shell: str | None
    state: str
    scheme: str | None
    hash: str | None
    in_shadow: bool  # shadow says it, not passwd


def read_accounts(passwd: str | None, shadow: str | None) -> tuple[list[Account], list[str]]:
    """Join the two files of one folder; gives the accounts and what was wrong with lines, by number."""
    problems: list[str] = []
    secrets = {fields[0]: fields[1] for fields in _lines(shadow, "shadow", 2, problems)}
    accounts: list[Account] = []
    for fields in _lines(passwd, "passwd", 7, problems):
        name, field = fields[0], fields[1]
        uid = int(fields[2]) if re.fullmatch(r"[0-9]{1,10}", fields[2]) else None
        hidden = secrets.pop(name, None)
        in_shadow = field == "x" and hidden is not None
        state = state_of(hidden or "" if in_shadow else field) if field != "x" or in_shadow else ("elsewhere", None, None)
        accounts.append(Account(name, uid, fields[6][:NAME_MAX] or None, *state, in_shadow))
    accounts += [Account(name, None, None, *state_of(field), True) for name, field in secrets.items()]
    return accounts, problems


def state_of(field: str) -> tuple[str, str | None, str | None]:
    """Read a password field: state, scheme, hash."""
    if not field:
        return "empty", None, None
    modular = _MODULAR.fullmatch(field)
    if modular:
        return "hash", scheme_of(modular[1]), field
    return ("hash", "des", field) if _DES.fullmatch(field) else ("locked", None, None)


def _lines(text: str | None, what: str, least: int, problems: list[str]) -> list[list[str]]:
    rows: list[list[str]] = []
    for number, line in enumerate((text or "").splitlines(), 1):
        if number > LINES_MAX:
            problems.append(f"{what}: more than {LINES_MAX} lines")
            break
        if not line.strip() or line.startswith(("#", "+", "-")):  # + and - are entries of NIS
            continue
        fields = line.split(":")
        if len(fields) < least or not fields[0] or len(fields[0]) > NAME_MAX:
            problems.append(f"{what}: line {number} is no entry")
        else:
            rows.append(fields)
    return rows
