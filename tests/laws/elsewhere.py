"""A process in which Plumbline finds what Windows has, and no more: `python -m tests.laws.elsewhere COMMAND...` runs a command there.

What is taken away is taken from Plumbline's own modules alone, since the libraries that it stands on have a Windows of their own. A file
that is renamed or removed while it is open, which Windows refuses, ends the process, and is named on stderr. Text that is opened without
saying in which encoding and with which line ends gets those of Windows.

Not Windows: paths and the libraries are this machine's.
"""

from __future__ import annotations

import builtins
import io
import os
import shutil
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

HANDLES = Path("/proc/self/fd")
MODULES = {"crypt", "fcntl", "grp", "nis", "posix", "pty", "pwd", "readline", "resource", "spwd", "syslog", "termios", "tty", "curses"}
NAMES: Mapping[str, str] = {
    "os": """
        O_CLOEXEC O_DIRECTORY O_DSYNC O_NOFOLLOW O_NONBLOCK O_PATH O_SYNC O_TMPFILE WNOHANG chown chroot confstr copy_file_range fchdir
        fchown fdatasync fork forkpty fwalk getegid geteuid getgid getgroups getloadavg getpgid getpgrp getpriority getresuid getsid getuid
        getxattr killpg lchown listxattr memfd_create mkfifo mknod nice openpty posix_fadvise posix_fallocate posix_spawn pread preadv
        pwrite pwritev sched_getaffinity sched_setaffinity sched_yield sendfile setegid seteuid setgid setgroups setpgid setpriority
        setresuid setsid setuid setxattr splice statvfs sync sysconf tcgetpgrp ttyname uname wait wait3 wait4 waitid
        """,
    "signal": """
        ITIMER_REAL SIGALRM SIGCHLD SIGCONT SIGHUP SIGIO SIGKILL SIGPIPE SIGPROF SIGQUIT SIGSTOP SIGTSTP SIGUSR1 SIGUSR2 SIGWINCH SIGXCPU
        SIGXFSZ alarm getitimer pause pthread_kill pthread_sigmask setitimer siginterrupt sigpending sigtimedwait sigwait
        """,
    "socket": "AF_NETLINK AF_PACKET AF_UNIX CMSG_LEN SO_BINDTODEVICE SO_REUSEPORT sethostname",
    "asyncio": "ThreadedChildWatcher open_unix_connection start_unix_server",
    "time": "CLOCK_BOOTTIME CLOCK_MONOTONIC_RAW clock_gettime clock_gettime_ns pthread_getcpuclockid tzset",
}
_import = builtins.__import__


class Lacking(ModuleType):
    """A module that lacks some of its names."""

    def __init__(self, whole: ModuleType, names: Collection[str]) -> None:
        super().__init__(whole.__name__)
        self._whole, self._names = whole, names

    def __getattr__(self, name: str) -> Any:
        if name in self._names:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} on Windows")
        return getattr(self._whole, name)


def take_away() -> None:
    """Take from Plumbline's modules what Windows lacks."""
    lacking: dict[str, Lacking] = {}

    def imported(name: str, globals: Mapping[str, Any] | None = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        of_ours = globals is not None and str(globals.get("__name__", "")).partition(".")[0] == "plumbline"
        if of_ours and level == 0:
            if name.partition(".")[0] in MODULES:
                raise ModuleNotFoundError(f"No module named {name!r} on Windows", name=name)
            if name in NAMES:
                return lacking.setdefault(name, Lacking(_import(name), NAMES[name].split()))
        return _import(name, globals, locals, fromlist, level)

    builtins.__import__ = imported


def refuse_what_is_open() -> None:
    """End the process where a file is renamed or removed that this process has open."""

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("os.rename", "os.remove") and not isinstance(arguments[0], int):
            for path in arguments[: 2 if event == "os.rename" else 1]:
                if _is_open(os.path.realpath(os.fsdecode(path))):
                    sys.stderr.write(f"Windows refuses {event} of a file that is open: {os.fsdecode(path)}\n")
                    sys.stderr.flush()
                    os._exit(99)

    shutil._use_fd_functions = False  # type: ignore[attr-defined] # there a tree is removed by whole paths, which the hook can follow
    sys.addaudithook(watch)


def open_as_there() -> None:
    """Give text files of Plumbline the encoding and line ends of Windows where it names none."""
    opened = io.open

    def as_there(
        file: Any, mode: str = "r", buffering: int = -1, encoding: Any = None, errors: Any = None, newline: Any = None, **more: Any
    ) -> Any:
        if "b" not in mode and _ours():
            encoding = "cp1252" if encoding is None else encoding
            newline = "\r\n" if newline is None and "r" not in mode else newline
        return opened(file, mode, buffering, encoding, errors, newline, **more)

    io.open = builtins.open = as_there  # type: ignore[assignment]


def _ours() -> bool:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == "pathlib":
        frame = frame.f_back
    return frame is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == "plumbline"


def _is_open(path: str) -> bool:
    for handle in HANDLES.iterdir():
        try:
            if str(handle.readlink()) == path:
                return True
        except OSError:
            continue
    return False


if __name__ == "__main__":
    take_away()
    open_as_there()
    if HANDLES.is_dir():
        refuse_what_is_open()
    from plumbline.cli.main import run

    sys.argv[0] = "plumbline"
    run()
