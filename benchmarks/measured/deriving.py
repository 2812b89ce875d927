"""`python -m benchmarks.measured.deriving BUNDLE STORE OUT MEMORY`: what `assess` derives, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

from plumbline.assess.deriving import define_reference
from plumbline.correlate.sources import use_bundles
from plumbline.correlate.views import define_views, know
from plumbline.evidence.bundle import Bundle
from plumbline.evidence.derived import DerivedWriter
from plumbline.evidence.engine import connect
from plumbline.evidence.reference import Reference
from plumbline.vulnerabilities.derive import derive

if __name__ == "__main__":
    bundle, store, out = Bundle(Path(sys.argv[1])), Reference(Path(sys.argv[2])), Path(sys.argv[3])
    scratch = out / ".scratch"
    scratch.mkdir(parents=True)
    with connect(memory_limit=sys.argv[4], scratch=scratch) as connection:
        know(connection, (), use_bundles(connection, [bundle]))
        define_views(connection, ())
        define_reference(connection, store)
        as_of = max(source.read_at for source in store.sources.values())
        write = DerivedWriter(connection, out, as_of)
        derive(connection, store, as_of, write)
        write.finish()
