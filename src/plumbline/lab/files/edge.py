"""The gateways' IoT Edge deployment manifests, as `az iot edge deployment show` gives their content.

One module of the weak side, the collector, carries the weaknesses of a container but for one: the relay holds the engine's socket, as that
alone shows the host's folders too. The other modules are there to stay silent about.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from plumbline.lab.fleet import Fleet, Weak

REGISTRY = "registry.northwind.example"


def manifest(fleet: Fleet, *, switched: bool) -> bytes:
    """Write one gateway's manifest."""
    weak = fleet.weak(switched=switched)
    agent = {
        "schemaVersion": "1.1",
        "runtime": {"type": "docker", "settings": {"minDockerVersion": "v1.25", "registryCredentials": {"northwind": _registry(weak)}}},
        "systemModules": {
            "edgeAgent": _module("mcr.example/azureiotedge-agent:1.5.4", _safe_options(), {}),
            "edgeHub": _module(
                "mcr.example/azureiotedge-hub:1.5.4",
                _safe_options(),
                {"SslProtocols": "tls1.0, tls1.2" if weak("edge.old_tls_in_edge_hub") else "tls1.2"},
            ),
        },
        "modules": {
            "collector": _collector(weak),
            "relay": _relay(weak),
        },
    }
    hub = {
        "schemaVersion": "1.2",
        "routes": {"all": "FROM /messages/* INTO $upstream"},
        "storeAndForwardConfiguration": {"timeToLiveSecs": 7200},
    }
    content = {"$edgeAgent": {"properties.desired": agent}, "$edgeHub": {"properties.desired": hub}}
    return json.dumps({"modulesContent": content}, indent=2).encode() + b"\n"


def _registry(weak: Weak) -> dict[str, str]:
    password = "harbour-1962" if weak("edge.registry_password_in_manifest") else "${REGISTRY_PASSWORD}"
    return {"address": REGISTRY, "username": "edge", "password": password}


def _collector(weak: Weak) -> dict[str, Any]:
    options = _safe_options()
    host = options["HostConfig"]
    if weak("edge.module_privileged"):
        host["Privileged"] = True
    if weak("edge.module_shares_host_namespace"):
        host["NetworkMode"] = host["PidMode"] = "host"
    if weak("edge.module_excess_capability"):
        host["CapAdd"] = ["SYS_ADMIN"]
    host["Binds"] = ["/etc:/host-etc"] if weak("edge.sensitive_host_path_mounted") else ["/srv/collector:/data:ro"]
    if weak("edge.module_without_limits"):
        del host["Memory"], host["PidsLimit"]
    if weak("edge.module_log_unbounded"):
        del host["LogConfig"]
    if weak("edge.module_root_writable"):
        del host["ReadonlyRootfs"]
    image = f"{REGISTRY}/collector" + (":latest" if weak("edge.mutable_image_reference") else f"@sha256:{_digest('collector')}")
    environment = {"POLL_SECONDS": "10"}
    if weak("edge.secret_in_module_environment"):
        environment["DB_PASSWORD"] = "harbour-1962"
    return _module(image, options, environment)


def _relay(weak: Weak) -> dict[str, Any]:
    options = _safe_options()
    if weak("edge.docker_socket_mounted"):
        options["HostConfig"]["Binds"] = ["/var/run/docker.sock:/var/run/docker.sock"]
    return _module(f"{REGISTRY}/relay@sha256:{_digest('relay')}", options, {"LOG_LEVEL": "info"})


def _safe_options() -> dict[str, Any]:
    return {
        "User": "1000",
        "HostConfig": {
            "CapDrop": ["ALL"],
            "ReadonlyRootfs": True,
            "SecurityOpt": ["no-new-privileges:true"],
            "Memory": 128 << 20,
            "PidsLimit": 100,
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}},
        },
    }


def _module(image: str, options: dict[str, Any], environment: dict[str, str]) -> dict[str, Any]:
    """Write a module; its options are JSON in text, cut into parts of 512 characters as the runtime wants them."""
    text = json.dumps(options)
    parts = [text[at : at + 512] for at in range(0, len(text), 512)]
    settings = {"image": image} | {"createOptions" + (f"{n:02}" if n else ""): part for n, part in enumerate(parts)}
    module: dict[str, Any] = {"type": "docker", "status": "running", "restartPolicy": "always", "settings": settings}
    if environment:
        module["env"] = {name: {"value": value} for name, value in environment.items()}
    return module


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
