"""Finds the probes by their place; refuses to start on a bad one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from plumbline.collect.network import probes
from plumbline.collect.network.probe import Probe
from plumbline.evidence.specs import load_tables
from plumbline.model.errors import InternalError


@cache
def load_probes() -> Mapping[str, Probe]:
    """All probes by protocol; raises InternalError naming the file of one that declares itself wrongly."""
    found: dict[str, Probe] = {}
    for info in sorted(pkgutil.iter_modules(probes.__path__), key=lambda item: item.name):
        module = importlib.import_module(f"{probes.__name__}.{info.name}")
        probe = getattr(module, "PROBE", None)
        if not isinstance(probe, Probe) or probe.protocol != info.name:
            raise InternalError(f"probes/{info.name}.py: PROBE is missing or names another protocol than its file")
        unknown = set(probe.tables) - load_tables().keys()
        if unknown or not probe.tables or not probe.ports | probe.tls_ports:
            raise InternalError(f"probes/{info.name}.py: unknown tables {sorted(unknown)}, or no tables, or no ports")
        found[probe.protocol] = probe
    return found
