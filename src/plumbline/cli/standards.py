"""`plumbline standards list | show`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from plumbline.cli.options import Checks, Json
from plumbline.cli.output import draw, grid, print_json, say, table
from plumbline.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plumbline.checks.registry import Registry
    from plumbline.standards.profiles import Profile
    from plumbline.standards.standard import Provision, Standard

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List standards and profiles."""
    from plumbline.standards.loading import load_standards
    from plumbline.standards.profiles import load_profiles

    standards = load_standards()
    profiles = [profile for profile in load_profiles().values() if profile.id not in standards]
    if as_json:
        print_json({"standards": [_head(one) for one in standards.values()], "profiles": [_profile(one) for one in profiles]})
        return
    listed = table("standard", "provisions", "title")
    for standard in standards.values():
        listed.add_row(standard.id, str(len(standard.provisions)), Text(visible(f"{standard.title}, {standard.version}")))
    draw(listed)
    say()
    listed = table("profile", "provisions", "title")
    for profile in profiles:
        listed.add_row(profile.id, str(len(profile.provisions)), Text(visible(profile.title)))
    draw(listed)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="ID", help="A standard, a profile, or a provision as STANDARD/ID.")],
    folder: Checks = None,
    as_json: Json = False,
) -> None:
    """Show what is tested, and what is left to do by hand."""
    from plumbline.checks.registry import load_registry
    from plumbline.standards.loading import find_provision, load_standards
    from plumbline.standards.profiles import find_profile

    if "/" in name:
        provision = find_provision(name)
        _show_provision(load_standards()[provision.standard], provision, load_registry(folder), as_json)
        return
    profile, registry = find_profile(name), load_registry(folder)
    standard = load_standards().get(name)
    head = _head(standard) if standard is not None else _profile(profile)
    if as_json:
        print_json({**head, "provisions": [_provision(one, registry) for one in profile.provisions]})
        return
    say(f"{profile.id}: {profile.title}", style="bold")
    listed = grid()
    for key, value in head.items():
        if value and key not in ("id", "title", "count"):
            listed.add_row(key, Text(visible(_words(value))))
    draw(listed)
    say()
    _draw_provisions(profile.provisions, registry, several=standard is None)


def _draw_provisions(provisions: Iterable[Provision], registry: Registry, *, several: bool) -> None:
    from plumbline.standards.ways import way

    listed = table("provision", "level", "checks", "left to do", "title")
    for one in provisions:
        count = len(registry.naming(one.ref))
        listed.add_row(one.ref if several else one.id, one.level, str(count or ""), way(one, bool(count)).left, Text(visible(one.title)))
    draw(listed)


def _show_provision(standard: Standard, provision: Provision, registry: Registry, as_json: bool) -> None:
    from plumbline.standards.ways import applies_when, way

    checks = registry.naming(provision.ref)
    applies = applies_when(standard, provision)
    if as_json:
        print_json({**_provision(provision, registry), "applies_when": list(applies)})
        return
    say(f"{provision.ref}: {provision.title}", style="bold")
    rows = {
        "asks": provision.summary,
        "status": f"{provision.level}, {provision.status}" if provision.status != provision.level else provision.level,
        "applies when": "\n".join(applies),
        "asked of": f"each {provision.per}" if provision.per != "rig" else "the rig",
        "confidence": f"{provision.confidence}, that our words say what the standard does",
        "answered by": way(provision, bool(checks)),
        "checks": "\n".join(f"{check.id}: {check.title}" for check in checks),
        "ask the owner": provision.declare,
        "by hand": provision.manual,
        "gap": provision.gap,
    }
    listed = grid()
    for key, words in rows.items():
        if words:
            listed.add_row(key, Text("\n".join(map(visible, words.split("\n")))))
    draw(listed)


def _provision(provision: Provision, registry: Registry) -> dict[str, Any]:
    from plumbline.standards.ways import way

    checks = [check.id for check in registry.naming(provision.ref)]
    return {"ref": provision.ref, **asdict(provision), "checks": checks, "answered_by": way(provision, bool(checks)).value}


def _head(standard: Standard) -> dict[str, Any]:
    head = {key: value for key, value in asdict(standard).items() if key not in ("provisions", "conditions", "features")}
    return {**head, "count": len(standard.provisions)}


def _profile(profile: Profile) -> dict[str, Any]:
    return {
        "id": profile.id,
        "title": profile.title,
        "about": profile.about,
        "count": len(profile.provisions),
        "thresholds": asdict(profile.thresholds),
        "accepts": [basis.value for basis in profile.accepts],
        "severities": {name: severity.value for name, severity in profile.severities.items()},
    }


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {word}" for key, word in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
