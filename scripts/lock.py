"""Resolve the dependencies for Python 3.11 to 3.13 into hashed locks that name no host. Needs `uv`; run by `make lock`.

`schemas.txt` is of packages whose files alone are wanted: official schemas that only a server ships, of which nothing else is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {
    "base.txt": ["pyproject.toml"],  # what an auditor installs
    "all.txt": ["pyproject.toml", "--all-extras", "--group", "pyproject.toml:dev"],  # and the lab, and what developers use
    "schemas.txt": ["requirements/schemas.in", "--no-deps"],
}


def main() -> int:
    """Write each lock; returns the first failing exit code."""
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    for name, options in LOCKS.items():
        command = [uv, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-strip-extras"]
        command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", *options]
        command += ["--output-file", f"requirements/{name}"]
        result = subprocess.run(command, cwd=ROOT, env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"}, check=False)
        if result.returncode:
            return result.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
