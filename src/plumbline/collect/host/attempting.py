"""One attempt to see a system: the outputs of its commands into rows, and what every table's coverage says.

Not where the outputs come from (`collector` for files, `logins` for logins). Rules: every reading runs, whatever is missing, and each
command that did not come to its end makes the tables that rest on it fall short, with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping

from plumbline.collect.attempt import Attempt
from plumbline.collect.context import Context
from plumbline.collect.declared import site_of
from plumbline.collect.host.commands import load_commands
from plumbline.collect.host.outputs import Output, Report
from plumbline.collect.host.reading import load_readings
from plumbline.model.entities import Entity
from plumbline.model.errors import ProtocolError
from plumbline.model.words import EntityKind, Outcome
from plumbline.rig.models import Asset

TABLES = tuple(sorted({table for reading in load_readings().values() for table in reading.tables}))


def system_entity(context: Context, asset: Asset | None, key: str) -> Entity:
    """Name a system: `key` is the address that was logged into, or the file that tells of it."""
    sites = {network.site for network in context.rig.networks}
    site = site_of(context.rig, asset) if asset is not None else sites.pop() if len(sites) == 1 else ""
    return Entity.of(EntityKind.SYSTEM, site, key)


def read_outputs(attempt: Attempt, outputs: Mapping[str, Output], report: Report) -> None:
    """Make the rows of a system and say what fell short; the caller ends the attempt."""
    for command in load_commands().values():
        output = outputs.get(command.id)
        if output is not None and output.outcome is not Outcome.OK:
            attempt.short(output.outcome, f"{command.id}: {output.detail}", *command.tables)
    for reading in load_readings().values():
        try:
            reading.read(report)
        except ProtocolError as error:
            attempt.short(Outcome.PROTOCOL_ERROR, str(error), *reading.tables)
