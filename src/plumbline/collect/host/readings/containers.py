"""Containers of the engines on a system: what they run, and how much of the system they see."""

from __future__ import annotations

from plumbline.collect.host.outputs import Report
from plumbline.collect.host.reading import Reading

ENGINES = ("docker", "podman")
CONTAINERS_MAX = 2_000
SOCKETS = ("/docker.sock", "/podman.sock", "/containerd.sock", "/crio.sock")
_FLAGS = {"true": True, "false": False}


def read(report: Report) -> None:
    """Write a row for each container."""
    for engine in ENGINES:
        for number, line in enumerate(report.lines(engine)):
            fields = [field.strip() for field in line.split("\t")]
            if len(fields) != 8 or not fields[0] or number >= CONTAINERS_MAX:
                report.unread(engine, line)
                continue
            name, image, digest, state, privileged, network, pid, mounted = fields
            name = name.removeprefix("/")
            mounts = sorted(_mounts(mounted))
            report.row(
                "system_container",
                f"container/{name}",
                engine,
                name=name,
                engine=engine,
                image=image or None,
                image_id=digest or None,
                running=state in ("running", "paused", "restarting") if state else None,
                privileged=_FLAGS.get(privileged),
                host_network=network == "host" if network else None,
                host_pid=pid == "host",
                mounts=mounts,
                engine_socket=any(path.removesuffix(":ro").endswith(SOCKETS) for path in mounts),
            )


def _mounts(text: str) -> set[str]:
    found = set()
    for entry in filter(None, text.split(",")):
        path, _, writable = entry.rpartition(":")
        found.add(path if writable == "true" else f"{path}:ro")
    return found


READING = Reading(("system_container",), read)
