"""Files that hostkit wrote on devices, each into the tables of a system.

Every file gets coverage for every table, also when it cannot be read. Its bytes stay with the customer and are cited by digest and offset.
"""

from __future__ import annotations

from plumbline.collect.attempt import Attempt
from plumbline.collect.context import Context
from plumbline.collect.file_names import entity_keys
from plumbline.collect.host.attempting import TABLES, read_outputs, system_entity
from plumbline.collect.host.kit_file import FILE_MAX, read_kit
from plumbline.collect.host.outputs import Report
from plumbline.model.errors import ProtocolError
from plumbline.model.words import Outcome
from plumbline.rig.models import Hostkit


def collect(context: Context) -> None:
    """Read every [[hostkit]] of the rig."""
    keys = entity_keys((kit.path for kit in context.rig.hostkits), context.rig.path)
    for number, kit in enumerate(context.rig.hostkits):
        if context.stop():
            return
        _collect_one(context, kit, keys[kit.path])
        context.progress("reading hostkit files", number + 1, len(context.rig.hostkits))


def _collect_one(context: Context, kit: Hostkit, key: str) -> None:
    asset = next((one for one in context.rig.assets if one.id == kit.asset), None)
    entity = system_entity(context, asset, key)
    if context.writer.attempted(entity, "system"):
        return
    attempt = Attempt(context, entity, TABLES)
    supplied = attempt.supply(kit.path)
    if supplied is not None:
        try:
            with kit.path.open("rb") as stream:
                data = stream.read(FILE_MAX + 1)
            found = read_kit(data, supplied.at)
        except (OSError, ProtocolError) as error:
            attempt.short(Outcome.PROTOCOL_ERROR, f"{kit.path.name}: {error}")
        else:
            for problem in found.problems:
                attempt.short(Outcome.PARTIAL, f"{kit.path.name}: {problem}")
            report = Report(
                attempt, found.outputs, source="hostkit", key=context.key, declared_id=kit.asset, seen_at=found.made_at, proved=None
            )
            read_outputs(attempt, found.outputs, report)
    attempt.end()
