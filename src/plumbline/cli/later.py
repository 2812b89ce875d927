"""Commands that the design names and this release does not have: each says so, instead of being unknown."""

from __future__ import annotations

from collections.abc import Callable

import typer

from plumbline.model.errors import NotYetError

COMMANDS = {
    "gateway": "audit gateways by their deployment manifests, [[edge]] in the rig file",
    "program": "the report is one file that can be handed over",
    "sensor": "collect on each site, then name all bundles to `plumbline assess`",
}


def not_yet(what: str, instead: str) -> NotYetError:
    """Make the error that says so, with what serves meanwhile."""
    return NotYetError("not yet: a later release will have it", where=what, remedy=f"meanwhile: {instead}")


def add_commands(app: typer.Typer) -> None:
    """Give `app` the commands, hidden, each with whatever arguments follow."""
    loose = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
    for name, instead in COMMANDS.items():
        app.command(name, hidden=True, context_settings=loose)(_refusal(name, instead))


def _refusal(name: str, instead: str) -> Callable[[], None]:
    def refuse() -> None:
        raise not_yet(f"plumbline {name}", instead)

    return refuse
