"""A module's `createOptions`: how its container would be created, as facts.

Not a judgement of them, and not the whole container API: only what decides how far a container is from its host.

| key (Docker Engine API v1.43, POST /containers/create) | column |
|---|---|
| HostConfig.Privileged | privileged |
| HostConfig.NetworkMode, PidMode, IpcMode, UTSMode, UsernsMode = host | host_namespaces |
| HostConfig.CapAdd, CapDrop | cap_add, cap_drop |
| HostConfig.Binds, Mounts[].Source and .VolumeOptions.DriverConfig | sensitive_mounts, docker_socket |
| HostConfig.ReadonlyRootfs; SecurityOpt no-new-privileges | read_only_root, no_new_privileges |
| HostConfig.Memory, PidsLimit | memory_limit, pids_limit |
| HostConfig.LogConfig | log_driver, log_bounded |
| HostConfig.PortBindings, PublishAllPorts | published_ports |
| User, Env | user, secret_environment |

Rules: keys are matched without regard to case, as the engine itself does; a value that is a placeholder or of another type gives null.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from plumbline.collect.json_text import int_of, list_of, object_of, parse, text_of
from plumbline.collect.secrets_in_text import is_placeholder
from plumbline.model.errors import ProtocolError

_PART = re.compile(r"createOptions(\d{2})?", re.IGNORECASE)
_NAMESPACES = {"network": "NetworkMode", "pid": "PidMode", "ipc": "IpcMode", "uts": "UTSMode", "userns": "UsernsMode"}

# Whoever holds one of these holds the host, or can read its secrets: itself only (a file below /etc may well be harmless) ...
_SENSITIVE = frozenset(
    re.split(
        r"\s+",
        "/ /bin /boot /dev /etc /home /lib /lib64 /media /mnt /opt /proc /root /run /sbin /srv /sys /usr /var /var/lib /var/log /var/spool "
        "/dev/mem /dev/kmem /dev/port /etc/shadow /etc/passwd /etc/gshadow /etc/sudoers /etc/crontab /etc/fstab /etc/ld.so.preload "
        "/sys/fs/cgroup /sys/kernel /sys/firmware /proc/sys /proc/sysrq-trigger /proc/1",
    )
)
# ... and with everything below it.
_SENSITIVE_TREES = (
    "/boot",
    "/etc/aziot",
    "/etc/cron.d",
    "/etc/docker",
    "/etc/iotedge",
    "/etc/pam.d",
    "/etc/ssh",
    "/etc/sudoers.d",
    "/etc/systemd",
    "/proc/sys",
    "/root",
    "/run/aziot",
    "/run/iotedge",
    "/run/secrets",
    "/sys/kernel",
    "/var/lib/aziot",
    "/var/lib/containerd",
    "/var/lib/docker",
    "/var/lib/iotedge",
    "/var/lib/kubelet",
    "/var/spool/cron",
)
_DISKS = re.compile(r"/dev/(?:[shv]d[a-z]|nvme\d|mmcblk\d|dm-\d|mapper/|disk/|loop\d)")
_SOCKETS = frozenset({"docker.sock", "containerd.sock", "podman.sock", "crio.sock", "dockershim.sock", "docker_engine"})
_HOLDS_SOCKET = frozenset({"/", "/run", "/run/docker", "/run/containerd", "/run/podman"})
_WINDOWS_SENSITIVE = re.compile(r"(?i)[a-z]:\\?(?:windows|programdata|users)?\\?$")
_OPEN_TO_ALL = frozenset({"", "0.0.0.0", "::", "[::]"})


@dataclass(frozen=True, slots=True)
class Options:
    """What createOptions say; None stands for a value that could not be read, as the table specs word it."""

    privileged: bool | None
    host_namespaces: list[str] | None
    cap_add: list[str]
    cap_drop: list[str]
    sensitive_mounts: list[str] | None
    docker_socket: bool | None
    read_only_root: bool | None
    no_new_privileges: bool
    user: str | None
    memory_limit: int | None
    pids_limit: int | None
    log_driver: str | None
    log_bounded: bool | None
    published_ports: list[str]

    def columns(self) -> dict[str, Any]:
        """The same as columns of edge_module."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def join_options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Join createOptions, createOptions01, ... of a module's settings and parse them; absent or empty ones are an empty object.

    Raises ProtocolError when they are no JSON object. Source: Azure IoT Edge, "How to configure container create options".
    """
    parts = {key.lower(): value for key, value in settings.items() if _PART.fullmatch(key) and value is not None}
    values = [parts[key] for key in sorted(parts)]
    if len(values) == 1 and isinstance(values[0], dict):
        return values[0]
    if not all(isinstance(value, str) for value in values):
        raise ProtocolError("createOptions are neither text nor one object")
    joined = "".join(values)
    if not joined.strip():
        return {}
    options = parse(joined)
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise ProtocolError("createOptions are JSON, but no object")
    return options


def member(tree: object, *path: str) -> Any:
    """Give a value below nested objects, keys matched without regard to case; None when there is none."""
    for name in path:
        if not isinstance(tree, dict):
            return None
        if name in tree:
            tree = tree[name]
        else:
            wanted = name.casefold()
            tree = next((value for key, value in tree.items() if key.casefold() == wanted), None)
    return tree


def read_options(options: dict[str, Any]) -> Options:
    """Take the facts out of parsed createOptions."""
    host = object_of(member(options, "HostConfig"))
    mounts, socket = _mounts(host)
    driver = text_of(member(host, "LogConfig", "Type"))
    return Options(
        privileged=_flag(member(host, "Privileged")),
        host_namespaces=_namespaces(host),
        cap_add=_capabilities(member(host, "CapAdd")),
        cap_drop=_capabilities(member(host, "CapDrop")),
        sensitive_mounts=mounts,
        docker_socket=socket,
        read_only_root=_flag(member(host, "ReadonlyRootfs")),
        no_new_privileges=any(
            isinstance(one, str) and re.fullmatch(r"no-new-privileges(?:[:=]true)?", one.strip())
            for one in list_of(member(host, "SecurityOpt"))
        ),
        user=text_of(member(options, "User")),
        memory_limit=_limit(member(host, "Memory")),
        pids_limit=_limit(member(host, "PidsLimit")),
        log_driver=driver,
        log_bounded=_log_bounded(driver, object_of(member(host, "LogConfig", "Config"))),
        published_ports=_ports(options, host),
    )


def environment_of(options: dict[str, Any]) -> list[tuple[str, str]]:
    """Give the environment variables of createOptions."""
    pairs = [one.partition("=") for one in list_of(member(options, "Env")) if isinstance(one, str)]
    return [(name, value) for name, _, value in pairs]


def _flag(value: object) -> bool | None:
    if value is None:
        return False  # the engine's default
    return value if isinstance(value, bool) else None


def _namespaces(host: dict[str, Any]) -> list[str] | None:
    modes = {name: member(host, key) for name, key in _NAMESPACES.items()}
    shared = [name for name, mode in modes.items() if mode == "host"]
    unknown = any(isinstance(mode, str) and is_placeholder(mode) for mode in modes.values())
    return shared or (None if unknown else [])


def _limit(value: object) -> int | None:
    if value is None:
        return 0
    number = int_of(value)
    return None if number is None else max(number, 0)  # -1 lifts the limit, as 0 does


def _capabilities(value: object) -> list[str]:
    names = {one.strip().upper().removeprefix("CAP_") for one in list_of(value) if isinstance(one, str)}
    return sorted(name for name in names if name)


def _log_bounded(driver: str | None, config: dict[str, Any]) -> bool | None:
    """Docker's logging drivers: json-file is unbounded without max-size and then keeps one file; local is bounded by itself."""
    if driver in ("none", "local"):
        return True
    if driver in (None, "json-file"):
        # Without a driver named here the host's daemon.json decides, and the options given are for that driver.
        return text_of(member(config, "max-size")) is not None and not is_placeholder(str(member(config, "max-size")))
    return None if driver in ("journald", "syslog", "etwlogs") else True  # the others send logs away and keep none


def _mounts(host: dict[str, Any]) -> tuple[list[str] | None, bool | None]:
    sensitive: set[str] = set()
    socket = unknown = False
    for source, mode in _sources(host):
        if is_placeholder(source.split("/", 2)[1] if source.startswith("/") else source):
            unknown = True  # it may be any path of the host
            continue
        path = posixpath.normpath(source) if source.startswith("/") else source
        path = "/" + path.lstrip("/") if source.startswith("/") else path
        plain = path.replace("/var/run", "/run", 1) if path == "/var/run" or path.startswith("/var/run/") else path
        is_socket = posixpath.basename(plain.replace("\\", "/")) in _SOCKETS
        socket = socket or is_socket or plain in _HOLDS_SOCKET
        below = any(plain == tree or plain.startswith(tree + "/") for tree in _SENSITIVE_TREES)
        if is_socket or below or plain in _SENSITIVE or _DISKS.match(plain) or _WINDOWS_SENSITIVE.fullmatch(path):
            sensitive.add(f"{path}:{mode}")
    return (sorted(sensitive) or (None if unknown else [])), (True if socket else None if unknown else False)


def _sources(host: dict[str, Any]) -> list[tuple[str, str]]:
    """Host paths that are mounted, with ro or rw; named volumes are not host paths."""
    found: list[tuple[str, str]] = []
    for bind in list_of(member(host, "Binds")):
        if isinstance(bind, str):
            drive = bind[:2] if re.match(r"[A-Za-z]:\\", bind) else ""
            source, _, rest = bind[len(drive) :].partition(":")
            options = re.sub(r"^[A-Za-z]:\\", "", rest).partition(":")[2].split(",")
            found.append((drive + source, "ro" if "ro" in options else "rw"))
    for mount in list_of(member(host, "Mounts")):
        mode = "ro" if member(mount, "ReadOnly") is True else "rw"
        found.append((str(member(mount, "Source") or ""), mode))
        driver = member(mount, "VolumeOptions", "DriverConfig", "Options")
        if "bind" in str(member(driver, "o") or ""):
            found.append((str(member(driver, "device") or ""), mode))
    for device in list_of(member(host, "Devices")):
        source = str(member(device, "PathOnHost") or "")
        found.append((source, "rw" if "w" in str(member(device, "CgroupPermissions") or "rwm") else "ro"))
    return [(source, mode) for source, mode in found if re.match(r"/|~|\.|\\\\|[A-Za-z]:\\|[$<{%]", source)]


def _ports(options: dict[str, Any], host: dict[str, Any]) -> list[str]:
    ports: set[str] = set()
    for inner, bindings in object_of(member(host, "PortBindings")).items():
        number, _, transport = inner.partition("/")
        for binding in list_of(bindings):
            address = str(member(binding, "HostIp") or "")
            outer = str(member(binding, "HostPort") or "0")  # 0: the engine chooses one
            ports.add(f"{'*' if address in _OPEN_TO_ALL else address}:{outer}/{transport or 'tcp'}")
        if not list_of(bindings):
            ports.add(f"*:0/{transport or 'tcp'}" if number else "*:0/tcp")
    if member(host, "PublishAllPorts") is True:
        ports |= {f"*:0/{inner.partition('/')[2] or 'tcp'}" for inner in object_of(member(options, "ExposedPorts"))}
    return sorted(ports)
