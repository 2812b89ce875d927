"""CVSS vectors (v3.0, v3.1, v4.0) to base scores; the one place that knows the library which computes them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cvss
from cvss.exceptions import CVSSError

# The package is half typed; through Any its own gaps stay its own.
_CVSS: Any = cvss


@lru_cache(maxsize=4096)
def base_score(vector: str) -> float:
    """Score a vector, 0.0 to 10.0; raises ValueError when it is none."""
    try:
        if vector.startswith("CVSS:4"):
            return float(_CVSS.CVSS4(vector).base_score)
        return float(_CVSS.CVSS3(vector).base_score)
    except CVSSError as error:
        raise ValueError(f"not a CVSS vector: {vector!r} ({error})") from error
