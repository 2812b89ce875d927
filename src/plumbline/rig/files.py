"""Finds the files that a rig file names: captures, images, manifests, exports.

Not a reader of them. Rules: paths are relative to the rig file's folder; a pattern (`*`, `?`, `[a-z]`) gives its matches in order of
name and must match something; every file must be there and readable before anything is contacted.
"""

from __future__ import annotations

import glob
import os
from itertools import islice
from pathlib import Path

from plumbline.rig.problems import KeyPath, ProblemList

MATCHES_MAX = 10_000


class Files:
    """Finds files beside one rig file, noting what is missing."""

    def __init__(self, base: Path, problems: ProblemList) -> None:
        self._base = base
        self._problems = problems

    def find(self, pattern: str, key: KeyPath) -> list[Path]:
        """Give the absolute paths of the files that a path or pattern names, in order; notes a problem when there are none."""
        if glob.has_magic(pattern):
            return self._match(pattern, key)
        found = self.find_one(pattern, key)
        return [found] if found is not None else []

    def find_one(self, name: str, key: KeyPath) -> Path | None:
        """Give the absolute path of one file, or note what is wrong with it."""
        path = self._base / name
        if not path.is_file():
            seen = "is a folder, not a file" if path.is_dir() else "does not exist"
            self._problems.add(key, f"{name!r} {seen}", f"paths are relative to {self._base.name or '/'}, the rig file's folder")
            return None
        return self._readable(path, key)

    def find_code(self, name: str, key: KeyPath) -> Path | None:
        """Give the absolute path of a folder or an archive with code, or note what is wrong with it."""
        path = self._base / name
        return self._readable(path, key) if path.is_dir() else self.find_one(name, key)

    def _match(self, pattern: str, key: KeyPath) -> list[Path]:
        found = glob.iglob(pattern, root_dir=self._base)  # noqa: PTH207 - Path.glob takes no absolute pattern
        matches = sorted(islice(found, MATCHES_MAX + 1))
        if len(matches) > MATCHES_MAX:
            self._problems.add(key, f"{pattern!r} matches more than {MATCHES_MAX} files", "narrow the pattern")
            return []
        files = [self._base / match for match in matches if (self._base / match).is_file()]
        if not files:
            self._problems.add(key, f"{pattern!r} matches no file", "correct the pattern, or leave the table out")
        return [path for path in (self._readable(file, key) for file in files) if path is not None]

    def _readable(self, path: Path, key: KeyPath) -> Path | None:
        if os.access(path, os.R_OK):
            return path.resolve()
        self._problems.add(key, f"{path.name!r} cannot be read", "give yourself leave to read it")
        return None
