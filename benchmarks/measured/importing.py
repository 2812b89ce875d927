"""`python -m benchmarks.measured.importing FEED STORE`: the library call, in a process of its own."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from plumbline.vulnerabilities.importing import import_paths

if __name__ == "__main__":
    done = import_paths([Path(sys.argv[1])], Path(sys.argv[2]), datetime.now(UTC))
    print(done.records, done.refused_count)
