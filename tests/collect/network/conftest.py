"""The bench as a fixture: a factory, as most tests know their ports only once their server runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from tests.collect.network.benches import Bench, open_bench

OpenBench = Callable[..., AbstractAsyncContextManager[Bench]]


@pytest.fixture
def bench(tmp_path: Path) -> OpenBench:
    """Give `open_bench` for the test's own folder."""
    return partial(open_bench, tmp_path)
