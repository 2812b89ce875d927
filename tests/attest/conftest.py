"""One sealed harbour for all tests here, and copies of it to change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.attest.sealing import sealed_harbour


@pytest.fixture(scope="session")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed OUT, for reading alone."""
    return sealed_harbour(tmp_path_factory.getbasetemp())


@pytest.fixture
def out(tmp_path: Path, untouched: Path) -> Path:
    """A copy of the sealed OUT."""
    shutil.copytree(untouched, tmp_path / "out", symlinks=True)
    return tmp_path / "out"
