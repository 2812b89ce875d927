"""Formats by their place: each module of this package that defines `FORMAT`. Adding one touches no list."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import plumbline.report as package
from plumbline.model.errors import EnvironmentFault, InputError, InternalError
from plumbline.report.data import Report
from plumbline.report.format import Format
from plumbline.report.loading import bundles_of, load
from plumbline.report.whole import reading


@cache
def formats() -> Mapping[str, Format]:
    """All formats by name; raises InternalError for a module whose FORMAT is none."""
    found: dict[str, Format] = {}
    for name in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        unit = getattr(importlib.import_module(f"{package.__name__}.{name}"), "FORMAT", None)
        if unit is None:
            continue
        if not isinstance(unit, Format):
            raise InternalError(f"report/{name}.py: FORMAT is not a Format")
        found[name] = unit
    return found


def write(
    format: str, out: Path, to: Path | None = None, *, report: Report | None = None, bundles: Collection[Path] | None = None
) -> list[Path]:
    """Write one format of the assessment in `out` into the folder `to` (default `out`); gives the files written.

    `report` spares loading it again for a second format; `bundles` None looks for them in and beside `out`.
    Raises InputError for an unknown format, a folder that holds no assessment or a damaged file in it, EnvironmentFault when the disk
    says no.
    """
    unit = formats().get(format)
    if unit is None:
        raise InputError(f"no report format {format!r}", remedy=f"there are {', '.join(formats())}")
    folder = to or out
    view = report or load(out, bundles)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Written aside first: what could not be finished is not left there as if it were whole, nor in the place of an earlier one.
        with TemporaryDirectory(dir=folder, prefix=".writing-") as aside:
            with reading(out, lambda: bundles_of(out)):
                written = unit.write(view, out, Path(aside))
            return [path.replace(folder / path.name) for path in written]
    except OSError as error:
        raise EnvironmentFault(f"cannot write into {folder}: {error.strerror or error}") from error
