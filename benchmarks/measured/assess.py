"""`python -m benchmarks.measured.assess BUNDLE OUT MEMORY`: the library call, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

from plumbline.assess.run import assess

if __name__ == "__main__":
    assess([Path(sys.argv[1])], Path(sys.argv[2]), memory_limit=sys.argv[3])
