"""Reads the exports of update services that the rig file lists into update_service_device.

Not which version a device runs: what a service says is one claim among others. Rules: a token that a service keeps for its devices never
leaves this module (law 8): only named fields are kept. An entry that names no device is told and passed over; a file that is no export of
its service falls short as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict

from plumbline.collect.attempt import Attempt
from plumbline.collect.context import Context
from plumbline.collect.file_names import entity_keys
from plumbline.collect.json_text import read
from plumbline.collect.update_services.device_update import read_device_update
from plumbline.collect.update_services.hawkbit import read_hawkbit
from plumbline.collect.update_services.served import Served
from plumbline.model.entities import Entity
from plumbline.model.errors import ProtocolError
from plumbline.model.words import EntityKind, Outcome
from plumbline.rig.models import UpdateService

TABLES = ("update_service_device",)
SIZE_MAX = 48 << 20
_READERS: Mapping[str, Callable[[object], Iterable[Served | str]]] = {"hawkbit": read_hawkbit, "device-update": read_device_update}


def collect(context: Context) -> None:
    """Read every export of the rig file, in one attempt about the rig."""
    services = context.rig.update_services
    entity = Entity.of(EntityKind.RIG, "", context.rig.id)
    if not services or context.writer.attempted(entity, TABLES[0]):
        return
    keys = entity_keys([service.path for service in services], context.rig.path)
    attempt = Attempt(context, entity, TABLES)
    for done, service in enumerate(services):
        if context.stop():
            attempt.abandon()
            return
        context.progress("update services", done, len(services))
        _read(attempt, service, keys[service.path])
    attempt.end()


def _read(attempt: Attempt, service: UpdateService, key: str) -> None:
    file = attempt.supply(service.path)
    if file is None:
        return
    try:
        for served in _READERS[service.kind](read(service.path, SIZE_MAX)):
            if isinstance(served, str):
                attempt.short(Outcome.PARTIAL, f"{service.path.name}: {served}")
            else:
                attempt.row(TABLES[0], f"{key}/device/{served.device_id}", raw=file.at(0), service=service.kind, **asdict(served))
    except ProtocolError as error:
        attempt.short(Outcome.PROTOCOL_ERROR, f"{service.path.name}: {error}")
