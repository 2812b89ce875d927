"""contacts.jsonl: every exchange that left the door, when, where, why and under which permit. Not the payloads: only their sizes.

One JSON object a line, canonical (sorted keys, no spaces, ASCII), appended and handed to the kernel before the next exchange.

| field | what it holds |
|---|---|
| seq | 0, 1, 2 ... over all sessions of the file |
| event | session, connect, handshake, request, datagram, resolve, discover, login, received, refused |
| at, mono_ns | wall clock (UTC, microseconds) and monotonic clock (ns) when it began |
| entity, address, port, transport | with whom; port is null for an address as such |
| why, permit, intrusion | the probe's reason, the permit's id ("" for a refusal), how hard |
| sent_bytes, received_bytes, duration_us | sizes above the transport, and how long it took |
| outcome | ok, sent, refused, timeout, unreachable, hung_up, protocol_error, cancelled, or a refusal's reason |
| detail | a short text, mostly empty |
| prev, hash | the hash of the line before; sha256 over this line's canonical JSON without `hash` |

Rules: the first line of a session is its header, whose `prev` is the hash of the last whole line of the session before it ("" in a
new file), so sessions form one chain. A run that was killed may leave a cut last line: it stays as it is, and the next header names
its number in `cut_line`. A connect is written when it ends, so a killed run may lack those that were under way. The chain shows
edits, swaps and removals in the middle; that nothing was cut off at the end is for the sealed manifest to show.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from plumbline.model.errors import EnvironmentFault, InputError
from plumbline.net.clock import Clock

FORMAT = 1
MAX_LINE = 1 << 16  # ours are below 2 KiB; anything longer was not written here

_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class LogCheck:
    """What `verify` found: `broken_line` counts from 1 and is None when the chain holds; `cut_lines` were left by killed runs."""

    lines: int
    sessions: int
    broken_line: int | None
    reason: str
    cut_lines: tuple[int, ...]
    last_hash: str


class ContactLog:
    """The log of one run, open for appending; no second process may hold the same file."""

    def __init__(self, path: Path, clock: Clock, *, header: dict[str, str] | None = None) -> None:
        """Open the file, find the end of its chain and start a session; raises InputError when it is broken or in use."""
        import fcntl  # here, for what only reads a log runs where there is none

        self.path = path
        self._clock = clock
        self._failed: str | None = None
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as cause:
            raise EnvironmentFault(f"{path}: cannot be opened for appending: {cause.strerror}") from cause
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as cause:
            os.close(self._fd)
            raise InputError("another run is writing here", where=str(path), remedy="end it with `plumbline stop`") from cause
        try:
            self._start(header or {})
        except BaseException:
            os.close(self._fd)
            raise

    def _start(self, header: dict[str, str]) -> None:
        found = verify(self.path)
        tail = _unfinished(self.path)
        if found.broken_line is not None and not (tail and found.broken_line == found.lines):
            raise InputError(
                f"the contact log is broken at line {found.broken_line}: {found.reason}",
                where=str(self.path),
                remedy="collect into a new bundle",
            )
        cut_line = found.lines if found.broken_line is not None else None
        if tail:
            self._put(b"\n")
        self._seq = found.lines - len(found.cut_lines) - (0 if cut_line is None else 1)
        self._prev = found.last_hash
        self.session = found.sessions + 1
        self.cut_line = cut_line
        self._write({**header, "event": "session", "format": FORMAT, "session": self.session, "cut_line": cut_line}, *self.stamp())

    def stamp(self) -> tuple[str, int]:
        """The two times of an event that begins now."""
        return self._clock.now().isoformat(timespec="microseconds"), self._clock.monotonic_ns()

    def write(
        self,
        event: str,
        *,
        address: str,
        port: int | None,
        transport: str,
        why: str,
        permit: str,
        intrusion: str,
        outcome: str,
        site: str = "",
        sent_bytes: int = 0,
        received_bytes: int = 0,
        detail: str = "",
        began: tuple[str, int] | None = None,
    ) -> None:
        """Append one event; `began` is what `stamp` gave when it started. Raises EnvironmentFault when the disk is full."""
        at, mono_ns = began or self.stamp()
        self._write(
            {
                "event": event,
                "entity": f"host:{site}/{address}",
                "address": address,
                "port": port,
                "transport": transport,
                "why": why[:500],
                "permit": permit,
                "intrusion": intrusion,
                "outcome": outcome,
                "sent_bytes": sent_bytes,
                "received_bytes": received_bytes,
                "duration_us": 0 if began is None else (self._clock.monotonic_ns() - mono_ns) // 1000,
                "detail": detail[:500],
            },
            at,
            mono_ns,
        )

    def _write(self, fields: dict[str, Any], at: str, mono_ns: int) -> None:
        fields |= {"seq": self._seq, "at": at, "mono_ns": mono_ns, "prev": self._prev}
        fields["hash"] = self._prev = hashlib.sha256(_canonical(fields).encode("ascii")).hexdigest()
        self._seq += 1
        self._put(_canonical(fields).encode("ascii") + b"\n")

    def _put(self, data: bytes) -> None:
        if self._failed is not None:  # a line may have been cut: nothing is glued to it, even where there is room again
            raise EnvironmentFault(self._failed)
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError as cause:
            self._failed = f"{self.path}: cannot log, so nothing more is sent: {cause.strerror}; make room and use --resume"
            raise EnvironmentFault(self._failed) from cause

    def close(self) -> None:
        """Let the file go; further writes are a defect."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> ContactLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def verify(path: Path) -> LogCheck:
    """Walk the chain from its first line; stops at the first line that does not follow from the one before.

    An empty file holds. A line that cannot be read is forgiven only where the next session's header names it in `cut_line`.
    """
    prev, seq, sessions, number = "", 0, 0, 0
    cut: list[int] = []
    pending: tuple[int, str] | None = None
    for number, line in enumerate(_lines(path), 1):
        record, fault = _read(line, prev, seq)
        if pending is not None:
            if record is None or record.get("event") != "session" or record.get("cut_line") != pending[0]:
                return LogCheck(number, sessions, pending[0], pending[1], tuple(cut), prev)
            cut.append(pending[0])
            pending = None
        elif record is not None and record.get("cut_line") is not None:
            record, fault = None, "names a cut line that is not there"
        if record is None:
            pending = (number, fault)
            continue
        if (seq == 0) and record.get("event") != "session":
            return LogCheck(number, sessions, number, "the first line is not a session header", tuple(cut), prev)
        sessions += record.get("event") == "session"
        prev, seq = str(record["hash"]), seq + 1
    if pending is not None:
        return LogCheck(number, sessions, pending[0], pending[1], tuple(cut), prev)
    return LogCheck(number, sessions, None, "", tuple(cut), prev)


def _read(line: bytes, prev: str, seq: int) -> tuple[dict[str, Any] | None, str]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None, "not a whole JSON object"
    if not isinstance(record, dict):
        return None, "not a JSON object"
    claimed = record.pop("hash", None)
    try:
        actual = hashlib.sha256(_canonical(record).encode("ascii")).hexdigest()
    except (ValueError, RecursionError):
        return None, "not canonical JSON"
    if actual != claimed:
        return None, "its hash is not that of its content"
    if record.get("prev") != prev:
        return None, "it does not follow the line before"
    if record.get("seq") != seq:
        return None, f"its seq is {record.get('seq')!r}, and {seq} was due"
    return {**record, "hash": claimed}, ""


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE):
            yield line.rstrip(b"\n")


def _unfinished(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            return False
        file.seek(size - 1)
        return file.read(1) != b"\n"
