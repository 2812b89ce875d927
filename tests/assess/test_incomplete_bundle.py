"""A bundle that was copied in part is not judged: what was found in the missing part would read as absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.assess.run import assess
from plumbline.model.errors import InputError
from tests.report import harbour


def test_a_missing_table_is_not_taken_for_nothing_found(tmp_path: Path) -> None:
    bundle = harbour.collected(tmp_path / "bundle")
    part = next((bundle / "tables" / "mqtt_broker").iterdir())
    part.unlink()
    with pytest.raises(InputError, match=rf"{part}: is missing: the bundle is not whole"):
        assess([bundle], tmp_path / "out")
