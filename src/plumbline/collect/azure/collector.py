"""Reads the hub files that the rig file lists: the resource, and the devices, which may be millions.

Rules:
- Device rows go to Arrow in batches bounded in rows and in bytes read, so memory does not grow with the file.
- A file that was cut, or that holds records that cannot be read, gives `partial`, with the first places named.
- A table that the file cannot fill is `not_supported`, with what would fill it.
- Two entries of the rig file that name the same resource are one hub: its export and its twin query. What one of them lacks makes the
  hub's tables `partial`, however whole the other is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from plumbline.collect.attempt import Attempt
from plumbline.collect.azure import devices
from plumbline.collect.azure.certificates import certificate_columns
from plumbline.collect.azure.records import Record, records
from plumbline.collect.azure.resource import HubResource, hub_columns, policy_columns, read_hubs
from plumbline.collect.context import Context
from plumbline.collect.file_names import entity_keys
from plumbline.collect.json_text import read
from plumbline.evidence.bundle import SuppliedFile
from plumbline.evidence.specs import TIMESTAMP, load_tables
from plumbline.model.entities import Entity
from plumbline.model.errors import InternalError, ProtocolError
from plumbline.model.words import EntityKind, Outcome
from plumbline.rig.secrets import keyed_digest

RESOURCE_TABLES = ("hub", "hub_policy", "hub_certificate")
DEVICE_TABLES = ("hub_identity", "hub_twin")
TABLES = (*RESOURCE_TABLES, *DEVICE_TABLES)
RESOURCE_MAX = 32 << 20
BATCH_ROWS = 50_000
BATCH_BYTES = 24 << 20  # of the file: a hostile twin gives rows some fifteen times its size

_NO_POLICIES = "the file carries no authorizationPolicies: they come with the right to list keys (Microsoft.Devices/iotHubs/listkeys)"
_NO_CERTIFICATES = "the file carries no certificates: add the answer of `az iot hub certificate list`"
_NO_IDENTITIES = "a twin query carries no credentials: supply the registry's export"
_NO_TWINS = "the file carries no twins: supply a twin query (`az iot hub query -q 'select * from devices'`)"


def collect(context: Context) -> None:
    """Read every hub of the rig file; those that an earlier session read are not read again."""
    hubs = context.rig.hubs
    resources = _names([hub.resource for hub in hubs if hub.resource is not None], context.rig.path)
    unnamed = _names([hub.devices for hub in hubs if hub.devices is not None], context.rig.path)
    found: dict[Path, str | None] = {}
    lists: dict[str, list[Path]] = {}
    for hub in hubs:
        if context.stop():
            return
        if hub.resource is not None and hub.resource not in found:
            found[hub.resource] = _read_resource(context, hub.resource, resources[hub.resource])
        if hub.devices is not None:
            name = found.get(hub.resource) if hub.resource is not None else None
            lists.setdefault(name or unnamed[hub.devices], []).append(hub.devices)
    for name, paths in lists.items():
        if not context.writer.attempted(Entity.of(EntityKind.HUB, "", name), DEVICE_TABLES[0]):
            _read_lists(context, name, paths)


def _names(paths: Iterable[Path], rig_path: Path) -> dict[Path, str]:
    """Name hubs by the stems of their files, until the hub's own name is known; files of one stem by their path in the rig folder."""
    keys = entity_keys(paths, rig_path)
    stems = Counter(_stem(path) for path in keys)
    return {path: _stem(path) if stems[_stem(path)] == 1 else key.replace("/", ".") for path, key in keys.items()}


def _stem(path: Path) -> str:
    return path.name.partition(".")[0] or path.name


def _read_resource(context: Context, path: Path, name: str) -> str | None:
    """Write the hubs of one resource file; returns the name of its hub when it holds one."""
    try:
        hubs = read_hubs(read(path, RESOURCE_MAX), name)
    except ProtocolError as error:
        entity = Entity.of(EntityKind.HUB, "", name)
        if not context.writer.attempted(entity, RESOURCE_TABLES[0]):
            attempt = Attempt(context, entity, RESOURCE_TABLES)
            attempt.supply(path)
            attempt.short(Outcome.PROTOCOL_ERROR, f"{path.name}: {error}")
            attempt.end()
        return None
    earlier = {hub.name for hub in hubs if context.writer.attempted(Entity.of(EntityKind.HUB, "", hub.name), "hub_certificate")}
    for hub in hubs:
        if hub.name in earlier:
            continue
        tables = RESOURCE_TABLES if hub.properties is not None else ("hub_certificate",)
        attempt = Attempt(context, Entity.of(EntityKind.HUB, "", hub.name), tables)
        file = attempt.supply(path)
        if file is not None:
            _write_resource(attempt, hub, file.at(0))
        attempt.end()
    return hubs[0].name if len(hubs) == 1 else None


def _write_resource(attempt: Attempt, hub: HubResource, raw: str) -> None:
    if hub.properties is not None:
        attempt.row("hub", raw=raw, **hub_columns(hub))
        if hub.policies is None:
            attempt.short(Outcome.NOT_SUPPORTED, _NO_POLICIES, "hub_policy")
    for policy in hub.policies or ():
        columns = policy_columns(policy)
        if columns is None:
            attempt.short(Outcome.PARTIAL, "a policy without a name", "hub_policy")
        else:
            attempt.row("hub_policy", f"policy/{columns['name']}", raw=raw, **columns)
    if not hub.certificates:
        attempt.short(Outcome.NOT_SUPPORTED, _NO_CERTIFICATES, "hub_certificate")
    for name, properties in hub.certificates:
        attempt.row("hub_certificate", f"certificate/{name}", raw=raw, **certificate_columns(name, properties))


def _read_lists(context: Context, hub: str, paths: list[Path]) -> None:
    """Read everything that lists a hub's devices, as one attempt: all of it is in the bundle, or none, and the worst of it is told."""
    attempt = Attempt(context, Entity.of(EntityKind.HUB, "", hub), DEVICE_TABLES)
    for path in paths:
        _read_devices(attempt, path, hub)
        if context.stop():
            attempt.abandon()
            return
    if any(attempt.counts.values()):
        for table, missing in (("hub_identity", _NO_IDENTITIES), ("hub_twin", _NO_TWINS)):
            if not attempt.counts[table]:
                attempt.short(Outcome.NOT_SUPPORTED, f"{', '.join(path.name for path in paths)}: {missing}", table)
    attempt.end()


def _read_devices(attempt: Attempt, path: Path, hub: str) -> None:
    file = attempt.supply(path)
    if file is not None:
        try:
            with path.open("rb") as stream:
                _Reading(attempt, file, hub).run(records(stream))
        except ProtocolError as error:
            attempt.short(Outcome.PROTOCOL_ERROR, f"{path.name}: {error}")
        except OSError as error:
            attempt.short(Outcome.PROTOCOL_ERROR, f"{path.name}: cannot be read: {error.strerror}")


class _Reading:
    """Device records on their way into batches."""

    def __init__(self, attempt: Attempt, file: SuppliedFile, hub: str) -> None:
        self.attempt = attempt
        self.file = file
        self.hub = hub
        self.name = file.path.name
        self.digest = partial(_digest, attempt.context.key)
        self.identities: list[tuple[Any, ...]] = []
        self.twins: list[tuple[Any, ...]] = []
        self.flushed_at = 0
        self.read = self.bad = 0

    def run(self, found: Any) -> None:
        """Take all records, then say what fell short."""
        for record in found:
            self.take(record)
            if len(self.identities) + len(self.twins) >= BATCH_ROWS or record.offset - self.flushed_at >= BATCH_BYTES:
                self.flush(record.offset)
                self.attempt.spill()
                if self.attempt.context.stop():
                    return
        self.flush(self.file.size_bytes)
        self.conclude()

    def take(self, record: Record) -> None:
        """Turn one record into rows."""
        self.read += 1
        problem = record.problem
        if record.body is not None:
            try:
                problem = self.rows_of(record.offset, record.body)
            except RecursionError:  # comparing values nests as deep as they do
                problem = "nested too deeply"
        if problem is not None:
            self.bad += 1
            self.attempt.short(Outcome.PARTIAL, f"{self.name}: {record.place} (byte {record.offset}): {problem}")

    def rows_of(self, offset: int, body: dict[str, Any]) -> str | None:
        """Add the rows of one record; returns what is wrong with it, if anything."""
        names = devices.ids(body)
        if names is None:
            return "names no device"
        device, module = names
        place = (f"identity:{self.hub}/{device}", f"module/{module}" if module else "", offset)
        identity = devices.identity_row(body, self.hub, device, module, self.digest)
        twin = devices.twin_row(body, self.hub, device)
        if identity is not None:
            self.identities.append(place + identity)
        if twin is not None:
            self.twins.append(place + twin)
        return None if identity or twin else "neither an identity nor a twin"

    def flush(self, offset: int) -> None:
        """Hand over what is gathered."""
        for table, rows, columns in (
            ("hub_identity", self.identities, devices.IDENTITY_COLUMNS),
            ("hub_twin", self.twins, devices.TWIN_COLUMNS),
        ):
            if rows:
                self.attempt.bulk(table, self.arrow(table, rows, columns))
                rows.clear()
        self.flushed_at = offset
        self.attempt.context.progress(self.name, offset, self.file.size_bytes)

    def arrow(self, table: str, rows: list[tuple[Any, ...]], columns: tuple[str, ...]) -> pa.Table:
        """Build the Arrow table of a batch, the common columns included."""
        schema = load_tables()[table].schema()
        values: dict[str, Any] = dict(zip(("entity", "subject", "offset", *columns), zip(*rows, strict=True), strict=True))
        raw = f"file/{self.file.sha256}@"
        values["raw"] = [f"{raw}{offset}" for offset in values.pop("offset")]
        arrays = {
            "permit": pa.nulls(len(rows), pa.string()),
            "observed_at": pa.repeat(pa.scalar(self.attempt.started_at, TIMESTAMP), len(rows)),
        }
        for name in schema.names:
            if name not in arrays:
                arrays[name] = _array(values[name], schema.field(name).type)
        return pa.Table.from_arrays([arrays[name] for name in schema.names], schema=schema)

    def conclude(self) -> None:
        """Say why the file gave no row at all, if it gave none."""
        if self.read > self.bad:
            return
        if self.bad:
            self.attempt.short(Outcome.PROTOCOL_ERROR, f"{self.name}: none of its {self.read} records could be read")
        else:
            self.attempt.short(Outcome.PARTIAL, f"{self.name}: the list is empty, so it cannot be told what it lists")


def _digest(key: bytes, secret: str) -> str:
    return keyed_digest(key, "symmetric-key", secret.encode("utf-8", "surrogatepass"))


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:
        # JSON can spell half a character ("\ud800"), Parquet cannot.
        return pa.array([_whole(value) for value in values], kind)
    except pa.ArrowInvalid as error:
        raise InternalError(f"a device column of type {kind} got {error}") from error


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return [_whole(one) for one in value] if isinstance(value, list) else value
