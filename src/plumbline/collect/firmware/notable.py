"""Files whose mode or name alone matters to an auditor.

| kind | what |
|---|---|
| setuid | a file that runs as its owner |
| world_writable | a file that anyone may write; a folder too, unless its sticky bit keeps others' files safe |
| debug_tool | a program, or a link to one, that attaches to others or listens in |
| authorized_keys | SSH keys that may log in (content decides: an empty file lets nobody in) |
"""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.collect.firmware.tree import Entry, Tree

_SETUID, _STICKY, _OTHERS_WRITE, _EXECUTE = 0o4000, 0o1000, 0o002, 0o111
DEBUG_TOOLS = frozenset(
    {
        "adbd",
        "devmem",
        "devmem2",
        "dumpcap",
        "frida-server",
        "gdb",
        "gdbserver",
        "ltrace",
        "nc",
        "ncat",
        "netcat",
        "nmap",
        "openocd",
        "perf",
        "socat",
        "strace",
        "tcpdump",
        "tshark",
        "valgrind",
    }
)
_PROGRAM_FOLDERS = frozenset({"bin", "sbin", "xbin", "libexec"})


def notable(tree: Tree) -> Iterator[tuple[Entry, str, str | None]]:
    """Give entry, kind and detail of each notable file but authorized_keys."""
    for entry in tree.entries.values():
        if entry.kind == "file" and entry.mode & _SETUID:
            yield entry, "setuid", None
        if entry.mode & _OTHERS_WRITE and (entry.kind == "file" or (entry.kind == "directory" and not entry.mode & _STICKY)):
            yield entry, "world_writable", None
        if entry.name in DEBUG_TOOLS and _is_program(tree, entry):
            yield entry, "debug_tool", entry.name


def _is_program(tree: Tree, entry: Entry) -> bool:
    if entry.kind == "symlink":
        folder = entry.path.rsplit("/", 2)[-2]
        found = tree.resolve(entry.path) if folder in _PROGRAM_FOLDERS else None
        return found is not None and found.kind == "file"
    return entry.kind == "file" and bool(entry.mode & _EXECUTE)


def authorized_keys(tree: Tree) -> list[Entry]:
    """Give the files that may name SSH keys which may log in."""
    return [entry for entry in tree.entries.values() if entry.name in ("authorized_keys", "authorized_keys2") and entry.kind == "file"]
