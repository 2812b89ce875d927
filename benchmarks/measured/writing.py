"""`python -m benchmarks.measured.writing OUT TO FORMAT...`: what `plumbline report` does, in a process of its own.

Prints one line of JSON: seconds of wall time by format, and for loading.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from plumbline.report.loading import load
from plumbline.report.registry import write

if __name__ == "__main__":
    out, to = Path(sys.argv[1]), Path(sys.argv[2])
    began = time.perf_counter()
    view = load(out)
    spent = {"loading": time.perf_counter() - began}
    for word in sys.argv[3:]:
        began = time.perf_counter()
        write(word, out, to, report=view)
        spent[word] = time.perf_counter() - began
    print(json.dumps(spent))
