"""Judges bundles in another Python: `python -m tests.laws.rejudge THREADS OUT BUNDLE...` prints the version and the ledger's digest."""

from __future__ import annotations

import sys
from pathlib import Path

from plumbline.assess.run import assess

if __name__ == "__main__":
    threads, out, *bundles = sys.argv[1:]
    found = assess([Path(bundle) for bundle in bundles], Path(out), threads=int(threads))
    print(f"{sys.version_info[0]}.{sys.version_info[1]}", found.ledger_digest)
