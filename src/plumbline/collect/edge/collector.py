"""Reads the deployment manifests that the rig file lists into edge_deployment, edge_module and edge_registry.

Rules: a password or a secret value never leaves this module (law 8); a manifest that cannot be read is one row of coverage per table.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plumbline.collect.attempt import Attempt, attempt_each
from plumbline.collect.context import Context
from plumbline.collect.edge.manifest import Manifest, Module, pinned, read_manifest
from plumbline.collect.edge.options import environment_of, join_options, member, read_options
from plumbline.collect.file_names import as_in_rig
from plumbline.collect.json_text import read, text_of
from plumbline.collect.secrets_in_text import is_placeholder, is_secret
from plumbline.evidence.bundle import SuppliedFile
from plumbline.model.errors import ProtocolError
from plumbline.model.words import EntityKind, Outcome

TABLES = ("edge_deployment", "edge_module", "edge_registry")
SIZE_MAX = 16 << 20  # a module twin holds 32 KB; this bears pretty printing and many modules


def collect(context: Context) -> None:
    """Read every manifest of the rig file."""
    devices = {edge.manifest: edge.device for edge in context.rig.edges}

    def take(attempt: Attempt, file: SuppliedFile) -> None:
        try:
            write(attempt, file, read_manifest(read(file.path, SIZE_MAX)), devices[file.path])
        except ProtocolError as error:
            attempt.short(Outcome.PROTOCOL_ERROR, f"{file.path.name}: {_explained(file.path, error)}")

    attempt_each(context, EntityKind.EDGE, devices, TABLES, take, doing="edge deployments")


def write(attempt: Attempt, file: SuppliedFile, manifest: Manifest, device_id: str | None = None) -> None:
    """Write one manifest's rows; `device_id` is the device that the rig file says it is for."""
    raw = file.at(0)
    images = {module.name: text_of(module.settings.get("image")) for module in manifest.modules if module.system}
    hub = next((module for module in manifest.modules if module.system and module.name == "edgeHub"), None)
    routes = manifest.hub.get("routes")
    attempt.row(
        "edge_deployment",
        raw=raw,
        path=as_in_rig(file.path, attempt.context.rig.path),
        schema_version=text_of(manifest.agent.get("schemaVersion")),
        hub_schema_version=text_of(manifest.hub.get("schemaVersion")),
        agent_image=images.get("edgeAgent"),
        hub_image=images.get("edgeHub"),
        hub_ssl_protocols=text_of(member(hub.environment, "SslProtocols")) if hub else None,
        routes=len(routes) if isinstance(routes, dict) else None,
        modules=sum(not module.system for module in manifest.modules),
        device_id=device_id,
    )
    for module in manifest.modules:
        _write_module(attempt, raw, module)
    for name, body in manifest.registries.items():
        password = body.get("password")
        attempt.row(
            "edge_registry",
            f"registry/{name}",
            raw=raw,
            address=text_of(body.get("address")),
            user=text_of(body.get("username")),
            password_literal=not is_placeholder(password) if isinstance(password, str) and password else None,
        )
    for detail in manifest.odd:
        attempt.short(Outcome.PARTIAL, f"{file.path.name}: {detail}", "edge_registry" if detail.startswith("registry") else "edge_module")


def _write_module(attempt: Attempt, raw: str, module: Module) -> None:
    image = text_of(module.settings.get("image"))
    environment: list[tuple[str, Any]] = list(module.environment.items())
    columns: dict[str, Any] = {}
    try:
        options = join_options(module.settings)
        environment += environment_of(options)
        columns = read_options(options).columns()
    except ProtocolError:
        pass  # said by options_valid
    attempt.row(
        "edge_module",
        f"module/{module.name}",
        raw=raw,
        name=module.name,
        system=module.system,
        image=image,
        pinned=pinned(image) if image else None,
        status=text_of(module.body.get("status")),
        restart_policy=text_of(module.body.get("restartPolicy")),
        options_valid=bool(columns),
        secret_environment=sorted({name[:200] for name, value in environment if is_secret(name, value)}),
        **columns,
    )


def _explained(path: Path, error: ProtocolError) -> str:
    if "not JSON" not in str(error):
        return str(error)
    try:
        with path.open("rb") as stream:
            template = b"${" in stream.read(SIZE_MAX)
    except OSError:
        template = False
    return f"{error}; it looks like a template: supply the deployment that was generated from it" if template else str(error)
