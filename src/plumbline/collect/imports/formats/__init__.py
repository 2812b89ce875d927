"""Formats by their place: each module here offers `read(source)`, and is named as `kind` in [[import]]. Adding one touches no list here."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache

from plumbline.collect.imports.results import Read
from plumbline.collect.imports.source import Source
from plumbline.model.errors import InternalError

Reader = Callable[[Source], Iterator[Read]]


@cache
def readers() -> Mapping[str, Reader]:
    """All readers by the kind that they read; raises InternalError for a module that reads nothing."""
    found: dict[str, Reader] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        if not callable(getattr(module, "read", None)):
            raise InternalError(f"collect/imports/formats/{info.name}.py offers no read")
        found[info.name] = module.read
    return found
