"""How many factory-default logins may still fail (law 6): at most 2 per account and 5 per device in 24 hours. Not the logins themselves.

A login that the customer gives is counted here too, by a digest of its kind, user and secret: refused once, it is used nowhere for
24 hours. Where its secret is corrected it is another login.

One state file per rig, outside every bundle, counts over all protocols, runs and processes of this machine: `<state
folder>/<rig id>/logins.json`, 0600, replaced atomically under a lock. A try is counted as failed before it is made; only a success
reported afterwards takes that back. So a run that is killed in between has spent its try, and two runs at once cannot share one.

The budget is never assumed to be full. The folder without its file, or a file that cannot be read, means that tries may have been
made that nobody remembers: nothing is tried until a person has looked. Only where the folder itself does not exist is it a first run.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from plumbline.model.errors import EnvironmentFault, NotPermittedError
from plumbline.net.dial import plain_text
from plumbline.rig.addresses import Address, carried, is_public
from plumbline.rig.permits import Refusal

FORMAT = 1
ACCOUNT_FAILURES = 2
DEVICE_FAILURES = 5
SPAN = timedelta(hours=24)
MAX_STATE = 16 << 20  # 5 tries on each of 65,536 devices fit


class LoginResult(StrEnum):
    """How a try ended; `pending` is one that was never reported."""

    PENDING = "pending"
    OK = "ok"
    FAILED = "failed"
    LOCKED_OUT = "locked_out"


@dataclass(frozen=True, slots=True)
class LoginTicket:
    """Leave for one try; `number` finds it again in the state file."""

    number: int
    device: str
    account: str
    protocol: str


@dataclass(frozen=True, slots=True)
class _Try:
    number: int
    device: str
    account: str
    protocol: str
    at: datetime
    result: LoginResult
    addresses: tuple[str, ...] = ()


class LoginBudget:
    """The budget of one rig; `folder` is `<state folder>/<rig id>`."""

    def __init__(self, folder: Path, rig_id: str) -> None:
        self._folder = folder
        self._file = folder / "logins.json"
        self._rig_id = rig_id

    def ask(self, device: str, account: str, protocol: str, now: datetime, *, address: Address, also: Collection[str] = ()) -> LoginTicket:
        """Take leave for one try, counted as failed until it is reported otherwise; `device` is its key, `also` its other addresses.

        Tries under another key count too where they share an address: a device that was found by an audit is declared before the next.
        Raises NotPermittedError (`budget`) when the account's or the device's tries are used up, after any sign of a lock-out, on a
        public address, and when the state is missing or cannot be read.
        """
        if is_public(address) or ((inner := carried(address)) is not None and is_public(inner)):
            raise _no(f"{address} is public: default logins are never tried there")
        addresses = tuple(sorted({plain_text(str(address)), *map(plain_text, also)}))
        with self._locked():
            tries = self._read()
            failed = _failed_there(tries, device, addresses, now)
            spent = sum(each.account == account for each in failed)
            if spent >= ACCOUNT_FAILURES:
                raise _no(f"account {account!r} on {device} has failed {spent} times within 24 hours")
            return self._take(tries, _Try(0, device, account, protocol, now, LoginResult.PENDING, addresses))

    def ask_given(
        self, device: str, login: str, protocol: str, now: datetime, *, address: Address, also: Collection[str] = ()
    ) -> LoginTicket:
        """Take leave to use a login that the customer gave once more; `login` is its digest. Until it is reported it counts as refused.

        Raises NotPermittedError (`budget`) when it was refused anywhere within 24 hours, when too many logins have failed on the device or
        it showed signs of a lock-out, and when the state is missing or cannot be read.
        """
        addresses = tuple(sorted({plain_text(str(address)), *map(plain_text, also)}))
        with self._locked():
            tries = self._read()
            used = [each for each in tries if each.account == login and now - each.at < SPAN]
            for refused in (each for each in used if each.result is not LoginResult.OK):
                raise _no(f"the login was refused by {refused.device} within 24 hours, and is not tried elsewhere or again")
            _failed_there(tries, device, addresses, now)
            return self._take(tries, _Try(0, device, login, protocol, now, LoginResult.PENDING, addresses))

    def report(self, ticket: LoginTicket, result: LoginResult, now: datetime) -> None:
        """Say how a try ended; raises NotPermittedError when the state can no longer be read."""
        with self._locked():
            tries = self._read()
            found = [each for each in tries if each.number == ticket.number and each.device == ticket.device]
            made = found[0] if found else _Try(ticket.number, ticket.device, ticket.account, ticket.protocol, now, result)
            kept = [each for each in tries if each not in found]
            self._write([*kept, replace(made, result=result)], now)

    def _take(self, tries: list[_Try], made: _Try) -> LoginTicket:
        number = max((each.number for each in tries), default=0) + 1
        self._write([*tries, replace(made, number=number)], made.at)
        return LoginTicket(number, made.device, made.account, made.protocol)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._begin()
            lock = os.open(self._folder / "logins.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as cause:
            raise EnvironmentFault(f"{self._folder}: the login budget cannot be kept: {cause.strerror}") from cause
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # held for a few milliseconds by whoever has it
            yield
        finally:
            os.close(lock)

    def _begin(self) -> None:
        """Make folder and file for the first run: under another name, then renamed, so that no one ever sees one without the other."""
        if self._folder.exists():
            return
        fresh = self._folder.with_name(f".{self._folder.name}.{os.getpid()}.new")
        fresh.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(fresh / "logins.json", self._text([]))
        try:
            fresh.rename(self._folder)
        except OSError:  # another process was first
            (fresh / "logins.json").unlink()
            fresh.rmdir()

    def _read(self) -> list[_Try]:
        try:
            with self._file.open("rb") as file:
                data = file.read(MAX_STATE + 1)
            if len(data) > MAX_STATE:
                raise ValueError("it is larger than any that was written here")
            state = json.loads(data)
            if state["format"] != FORMAT or state["rig"] != self._rig_id:
                raise ValueError("it belongs to another rig or release")
            return [_parse(each) for each in state["tries"]]
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as cause:
            raise _no(
                f"{self._file} cannot be read ({str(cause) or type(cause).__name__}), so it is not known which logins were tried; "
                f"restore it, or, when none was tried for 24 hours, remove the folder {self._folder}"
            ) from cause

    def _write(self, tries: list[_Try], now: datetime) -> None:
        try:
            _replace(self._file, self._text([each for each in tries if now - each.at < SPAN]))
        except OSError as cause:
            raise EnvironmentFault(f"{self._file}: the login budget cannot be written: {cause.strerror}") from cause

    def _text(self, tries: list[_Try]) -> str:
        listed = [{**asdict(each), "at": each.at.isoformat()} for each in sorted(tries, key=lambda each: each.number)]
        return json.dumps({"format": FORMAT, "rig": self._rig_id, "tries": listed}, indent=1)


def _failed_there(tries: Iterable[_Try], device: str, addresses: Collection[str], now: datetime) -> list[_Try]:
    """Give the failed tries of a day on a device; raises NotPermittedError when it may be tried no more."""
    same = [each for each in tries if each.device == device or not set(addresses).isdisjoint(each.addresses)]
    recent = [each for each in same if now - each.at < SPAN]
    if any(each.result is LoginResult.LOCKED_OUT for each in recent):
        raise _no(f"{device} showed signs of a lock-out within 24 hours: no login is tried there")
    failed = [each for each in recent if each.result is not LoginResult.OK]
    if len(failed) >= DEVICE_FAILURES:
        raise _no(f"logins on {device} have failed {len(failed)} times within 24 hours")
    return failed


def _parse(entry: dict[str, object]) -> _Try:
    number, at, addresses = entry["number"], datetime.fromisoformat(str(entry["at"])), entry["addresses"]
    if not isinstance(number, int) or at.tzinfo is None or not isinstance(addresses, list):
        raise ValueError("an entry without a number or addresses, or with a naive time")
    result = LoginResult(str(entry["result"]))
    return _Try(number, str(entry["device"]), str(entry["account"]), str(entry["protocol"]), at, result, tuple(map(str, addresses)))


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123 - to give the mode
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _no(message: str) -> NotPermittedError:
    return NotPermittedError(f"{message} (law 6)", reason=Refusal.BUDGET)
