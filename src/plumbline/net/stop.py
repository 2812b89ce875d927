"""How a running collection is asked to end: by `plumbline stop`, by a signal, or by the breaker. Not a way to kill it.

A collection registers itself in two places: `<bundle>/.running/run.json` says which process collects here, and the user's state
folder holds a pointer to it, so that `plumbline stop` without a bundle finds every run. To stop one, a file named `stop` with the
reason is written beside `run.json`; the door looks for it at every exchange and ends with StoppedError. A process is known by its id
and the time at which the kernel started it, so a later process with the same id is never taken for it; no process is sent a signal.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType

from plumbline.model.errors import InputError, StoppedError

RUNNING = ".running"
MAX_FILE = 4096


@dataclass(frozen=True, slots=True)
class Run:
    """A collection that is under way: `started` is the kernel's start time of the process, in clock ticks since boot."""

    bundle: Path
    pid: int
    started: int

    @property
    def alive(self) -> bool:
        """Whether that very process still runs."""
        return _started(self.pid) == self.started


class StopFlag:
    """Whether the run shall end, and why; the first reason is kept."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = None if file is None else os.fspath(file)
        self._reason: str | None = None

    @property
    def reason(self) -> str | None:
        """Why the run shall end, or None while it may go on; looks at the flag file."""
        if self._reason is None and self._file is not None and os.path.exists(self._file):  # noqa: PTH110 - asked at every exchange: ten times faster
            self._reason = _text(Path(self._file)).strip() or "stopped by request"
        return self._reason

    def set(self, reason: str) -> None:
        """Ask the run to end."""
        if self._reason is None:
            self._reason = reason

    def check(self) -> None:
        """Raise StoppedError once the run shall end."""
        if (reason := self.reason) is not None:
            raise StoppedError(reason)

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Let SIGINT and SIGTERM set the flag while the `with` lasts; a second one does what it did before.

        Only in the main thread, with or without an event loop: what a loop is told of signals dies with it, and files are read before it.
        """
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

        def restore() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        def caught(number: int, _frame: object) -> None:
            self.set(f"stopped by {signal.Signals(number).name}")
            restore()

        for number, handler in before.items():
            if handler is not signal.SIG_IGN:  # started in the background of a script: Ctrl-C is for somebody else
                signal.signal(number, caught)
        try:
            yield
        finally:
            restore()


class Registration:
    """One collection's entry among the running ones, for as long as the `with` lasts; gives the flag that the door polls."""

    def __init__(self, bundle: Path, state: Path) -> None:
        """`state` is the user's state folder, as `state_folder` gives it."""
        self.bundle = bundle.resolve()
        self._folder = self.bundle / RUNNING
        self._pointer = _pointer(state, self.bundle)

    def __enter__(self) -> StopFlag:
        """Register this process; raises InputError while another one collects into the bundle."""
        other = _run(self._folder)
        if other is not None and other.alive:
            raise InputError(
                f"process {other.pid} is collecting into this bundle", where=str(self.bundle), remedy="end it with `plumbline stop`"
            )
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flag = self._folder / "stop"
        flag.unlink(missing_ok=True)
        pid = os.getpid()
        _write(self._folder / "run.json", json.dumps({"pid": pid, "started": _started(pid), "bundle": str(self.bundle)}))
        self._pointer.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(self._pointer, str(self.bundle))
        return StopFlag(flag)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pointer.unlink(missing_ok=True)
        for name in ("run.json", "stop"):
            (self._folder / name).unlink(missing_ok=True)
        with suppress(OSError):
            self._folder.rmdir()


def request_stop(bundle: Path | None, state: Path, *, reason: str = "stopped by `plumbline stop`") -> list[Run]:
    """Ask the collection into `bundle`, or every running one, to end; gives those that were asked.

    Raises InputError when `bundle` is named and nothing runs there. Entries of dead processes are cleared away.
    """
    asked: list[Run] = []
    bundles: Iterable[Path] = [bundle.resolve()] if bundle is not None else _registered(state)
    for each in bundles:
        run = _run(each / RUNNING)
        if run is None or not run.alive:
            _pointer(state, each).unlink(missing_ok=True)
            continue
        _write(each / RUNNING / "stop", reason)
        asked.append(run)
    if bundle is not None and not asked:
        raise InputError("no collection is running into this bundle", where=str(bundle))
    return asked


def state_folder(environment: dict[str, str] | os._Environ[str] = os.environ) -> Path:
    """Where runs and login budgets are kept: `$XDG_STATE_HOME/plumbline`, else `~/.local/state/plumbline`."""
    base = environment.get("XDG_STATE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "state") / "plumbline"


def _registered(state: Path) -> list[Path]:
    folder = state / RUNNING
    return [Path(_text(pointer)) for pointer in sorted(folder.glob("*"))] if folder.is_dir() else []


def _pointer(state: Path, bundle: Path) -> Path:
    return state / RUNNING / sha256(os.fsencode(bundle)).hexdigest()[:16]


def _run(folder: Path) -> Run | None:
    try:
        entry = json.loads(_text(folder / "run.json"))
        return Run(folder.parent, int(entry["pid"]), int(entry["started"]))
    except (ValueError, KeyError, TypeError):
        return None


def _started(pid: int) -> int | None:
    """The 22nd field of /proc/<pid>/stat (proc(5)); the name in brackets before it may hold spaces. None: no such process."""
    fields = _text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return int(fields[19]) if len(fields) > 19 and fields[0] != "Z" else None


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(MAX_FILE)
    except OSError:
        return ""


def _write(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123 - to give the mode
        file.write(text)
    part.replace(path)
