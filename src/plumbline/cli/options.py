"""Arguments and options that several commands share, and the questions asked of them before any work begins."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from plumbline.model.errors import InputError
from plumbline.model.words import Severity

# As `report.registry.formats` has them; a test holds them to that, for `--help` is not to load every report.
FORMATS = "csaf, csv, cyclonedx, cyclonedx_attestation, html, json, junit, oscal, pdf, sarif, tickets, xlsx"

RigPath = Annotated[Path, typer.Argument(metavar="RIG", help="The rig file.")]
Out = Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="The folder to write.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
FailOn = Annotated[Severity, typer.Option(metavar="SEVERITY", help="Exit 1 for a finding at or above: none, low, medium, high, critical.")]
Formats = Annotated[str, typer.Option("--format", metavar="FORMATS", help=f"Reports to write, separated by commas; of {FORMATS}.")]
Language = Annotated[str, typer.Option("--language", metavar="LANG", help="Language of html and pdf reports: en or de.")]
Checks = Annotated[
    Path | None,
    typer.Option("--checks", metavar="DIR", help="A folder of your own checks, DIR/<layer>/<name>.toml, beside the shipped ones."),
]
ReferenceDir = Annotated[
    Path | None,
    typer.Option("--reference", metavar="DIR", help="Reference data: what `feeds import` and `catalogue import` wrote. [default: yours]"),
]
Waivers = Annotated[
    Path | None,
    typer.Option("--waivers", metavar="FILE", help="Findings that the owner bears for a while: waivers.toml."),
]
Reviews = Annotated[
    Path | None,
    typer.Option("--review", metavar="FILE", help="What people say of findings, who looked at them: review.toml."),
]
Baseline = Annotated[
    Path | None,
    typer.Option("--baseline", metavar="OUT", help="An earlier assessment: what it has already does not count for --fail-on."),
]

ALL_FORMATS = "html,json,csv"


def reference_folder(given: Path | None) -> Path:
    """Give the named folder of reference data, else the user's own; raises InputError when a named one is not there."""
    from plumbline.evidence.reference import user_store

    if given is not None and not given.is_dir():
        raise InputError("is no folder", where=str(given), remedy="name the folder that `plumbline feeds import --reference DIR` wrote")
    return given or user_store()


def known_language(code: str) -> str:
    """Give the code back; raises InputError, before any work, for a language that reports are not written in."""
    from plumbline.report.language import language

    return language(code).code


def readable_overlays(waivers: Path | None, reviews: Path | None) -> None:
    """Refuse files of waivers and reviews that are wrong before an hour of collecting."""
    from plumbline.assess.overlay_files import load_reviews, load_waivers

    if waivers is not None:
        load_waivers(waivers)
    if reviews is not None:
        load_reviews(reviews)


def writable_folder(path: Path, option: str = "--output") -> Path:
    """Give the folder back; raises InputError, before an hour of collecting, when nothing can be written there."""
    nearest = next(place for place in (path, *path.absolute().parents) if place.exists() or place.is_symlink())
    if not nearest.is_dir():
        raise InputError(f"{nearest} is a file, not a folder", where=option, remedy="name another folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(f"{nearest} cannot be written by you", where=option, remedy="name another folder")
    return path


def unsealed_folder(path: Path, option: str = "--output") -> Path:
    """Give the writable folder back; raises InputError, before any work, when it is sealed: a file more, or another, and no seal holds."""
    from plumbline.attest.content import sealed_by

    for place in (path, path.absolute().parent):
        if seal := sealed_by(place):
            remedy = f"name another folder with {option}, or take {seal} away first"
            raise InputError("is sealed, and would not be any more what was signed", where=str(place), remedy=remedy)
    return writable_folder(path, option)
