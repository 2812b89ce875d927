"""How much memory a child process took at most, by its own account.

Not `ru_maxrss`: a process starts with its parent's figure there, and the parent of a test is large.
"""

from __future__ import annotations

import re
from pathlib import Path


def peak_bytes(process: str = "self") -> int:
    """Read the largest resident size that a process had so far (Linux: proc(5), VmHWM)."""
    [kilobytes] = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(kilobytes) * 1024
