"""What an image starts at boot: inittab, rc scripts, OpenRC, systemd units, inetd.

Not a boot: only what files say. Rules: a script counts when something starts it (an inittab line, a place that init runs, a script that
counts), a unit when a `.wants` or `.requires` folder links to it; a file that starts none of the known daemons is told with no daemon.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from plumbline.collect.firmware.scripts import DAEMONS, daemons_of_script, inittab_commands, program_of, scripts_named
from plumbline.collect.firmware.tree import Entry, Tree

SCRIPTS_MAX = 1_000
SCRIPT_SIZE_MAX = 256 * 1024

_ETC = r"/(?:etc|etc_ro|rom/etc)"
_STARTED = re.compile(
    rf"{_ETC}/(?:rc\.local|rc|rcS|rc\.d/rc\.local|init\.d/rcS|rc[0-6S]\.d/S[^/]+|rc\.d/S[^/]+|init\.d/S\d\d[^/]*|runlevels/[^/]+/[^/]+)"
)
_INITTAB = re.compile(rf"{_ETC}/inittab")
_INETD = re.compile(rf"{_ETC}/inetd\.conf")
_XINETD = re.compile(rf"{_ETC}/xinetd\.d/[^/]+")
_WANTED = re.compile(r"/(?:etc|lib|usr/lib)/systemd/system/[^/]+\.(?:wants|requires)/([^/]+\.(?:service|socket))")
_UNIT_PLACES = ("/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system")


@dataclass(frozen=True, slots=True)
class Started:
    """A file that is read at boot, and one daemon that it starts; None: none that is known."""

    entry: Entry
    daemon: str | None


def startup(tree: Tree, read: Callable[[Entry], str | None]) -> Iterator[Started | str]:
    """Give every startup file with what it starts, and say what was not read; `read` gives a file's text, None when it cannot be read."""
    queue: list[str] = []
    for path in list(tree.entries):
        if _INITTAB.fullmatch(path):
            yield from _inittab(tree, path, read, queue)
        elif _INETD.fullmatch(path):
            yield from _told(tree, path, read, _inetd)
        elif _XINETD.fullmatch(path):
            yield from _told(tree, path, read, _xinetd)
        elif _STARTED.fullmatch(path):
            queue.append(path)
    yield from _scripts(tree, queue, read)
    yield from _units(tree, read)


def _inittab(tree: Tree, path: str, read: Callable[[Entry], str | None], queue: list[str]) -> Iterator[Started]:
    entry = _file(tree, path)
    text = read(entry) if entry else None
    if entry is None or text is None:
        return
    daemons: set[str] = set()
    for action, command in inittab_commands(text):
        program = program_of(command)
        if program and (program in DAEMONS or (action in ("respawn", "askfirst", "once") and not program.startswith("rc"))):
            daemons.add(program)
        queue += sorted(scripts_named(command))
    yield from _each(entry, daemons)


def _scripts(tree: Tree, queue: list[str], read: Callable[[Entry], str | None]) -> Iterator[Started | str]:
    done: set[str] = set()
    for path in queue:  # grows while it is read: scripts name scripts
        entry = _file(tree, path)
        if entry is None or entry.path in done:
            continue
        if len(done) >= SCRIPTS_MAX:
            yield f"more than {SCRIPTS_MAX} scripts that start with it"
            return
        if entry.size > SCRIPT_SIZE_MAX:
            if _STARTED.fullmatch(path):  # what scripts name may be any program
                yield f"{entry.path[:200]} is larger than a script is"
            continue
        text = read(entry)
        if text is None or not (text.startswith("#!") or _STARTED.fullmatch(path)):
            continue  # a program, not a script
        done.add(entry.path)
        yield from _each(entry, daemons_of_script(text))
        if len(queue) < SCRIPTS_MAX:
            queue += sorted(named for named in scripts_named(text) if named in tree.entries)


def _units(tree: Tree, read: Callable[[Entry], str | None]) -> Iterator[Started]:
    done: set[str] = set()
    for path in list(tree.entries):
        match = _WANTED.fullmatch(path)
        if match is None:
            continue
        for name in _services(match[1]):
            entry = _file(tree, path) if name == match[1] else None
            entry = entry or next((found for place in _UNIT_PLACES if (found := _file(tree, f"{place}/{name}"))), None)
            if entry is None or entry.path in done or entry.size > SCRIPT_SIZE_MAX:
                continue
            done.add(entry.path)
            text = read(entry)
            if text is not None:
                commands = re.findall(r"(?m)^ExecStart\s*=\s*[-@:+!]*(.{1,2000})$", text)
                yield from _each(entry, {program for one in commands if (program := program_of(one))})


def _services(unit: str) -> list[str]:
    """Name the services behind a wanted unit: a socket starts its service, or its template for each connection."""
    stem, _, kind = unit.rpartition(".")
    if kind == "socket":
        return [f"{stem}.service", f"{stem}@.service"]
    template = re.sub(r"@[^@.]*\.service$", "@.service", unit)
    return [unit] if template == unit else [unit, template]


def _told(tree: Tree, path: str, read: Callable[[Entry], str | None], daemons_of: Callable[[str], set[str]]) -> Iterator[Started]:
    entry = _file(tree, path)
    text = read(entry) if entry else None
    if entry is not None and text is not None:
        yield from _each(entry, daemons_of(text))


def _each(entry: Entry, daemons: set[str]) -> Iterator[Started]:
    if not daemons:
        yield Started(entry, None)
    for daemon in sorted(daemons):
        yield Started(entry, daemon)


def _inetd(text: str) -> set[str]:
    """inetd.conf: service, socket, protocol, wait, user, program, arguments."""
    found: set[str] = set()
    for line in text.splitlines()[:SCRIPTS_MAX]:
        fields = line.split()
        if len(fields) >= 6 and not fields[0].startswith("#"):
            program = posixpath.basename(fields[5])
            # tcpd and busybox are named first, the daemon second
            found.add(posixpath.basename(fields[6]) if program in ("tcpd", "busybox") and len(fields) > 6 else program)
    return found


def _xinetd(text: str) -> set[str]:
    settings = dict(re.findall(r"(?m)^\s*(\w{1,40})\s*\+?=\s*(\S.{0,200}?)\s*$", text))
    server = settings.get("server")
    return {posixpath.basename(server)} if server and settings.get("disable") != "yes" else set()


def _file(tree: Tree, path: str) -> Entry | None:
    entry = tree.resolve(path)
    return entry if entry is not None and entry.kind == "file" else None
