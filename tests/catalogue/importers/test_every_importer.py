"""What holds for every importer: it takes its own and nobody else's, and whatever it is given it raises nothing but ProtocolError."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.catalogue.importer import importers
from plumbline.model.errors import ProtocolError
from tests.catalogue.importers import (
    test_csaf_products,
    test_device_update,
    test_endoflife,
    test_lvfs,
    test_matter_dcl,
    test_own,
    test_zigbee_herdsman_converters,
    test_zigbee_ota,
)
from tests.catalogue.making import document

SAMPLES: dict[str, tuple[Any, str]] = {
    "zigbee-ota": ([test_zigbee_ota.IMAGE], "index.json"),
    "endoflife": (test_endoflife.PAGE, "x.md"),
    "device-update": (test_device_update.MANIFEST, "x.json"),
    "matter-dcl": (test_matter_dcl.MODEL, "x.json"),
    "lvfs": (test_lvfs.COMPONENT, "x.xml"),
    "csaf-products": (test_csaf_products.advisory(test_csaf_products.TREE), "x.json"),
    "zigbee-herdsman-converters": (test_zigbee_herdsman_converters.FILE, "x.tgz!package/dist/devices/a.js"),
    "own": (test_own.TOML, "x.toml"),
    "csv": (test_own.CSV, "x.csv"),
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def test_every_importer_has_a_sample() -> None:
    assert SAMPLES.keys() == importers().keys()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_document_is_taken_by_one_importer(name: str) -> None:
    content, file = SAMPLES[name]
    assert [other for other, reader in importers().items() if reader().takes(document(content, file))] == [name]


@pytest.mark.parametrize("name", importers())
@pytest.mark.parametrize("data", [b"", b"\x00" * 100, b"\xff\xfe", b"[", b"{}", b"[]", b"<", b"---\n", "ä".encode("latin-1")])
def test_what_is_nothing_is_taken_by_nobody(name: str, data: bytes) -> None:
    assert not importers()[name]().takes(document(data, "x.json"))


def _changed(value: Any, path: list[int], new: Any) -> Any:
    """Put `new` at a place of a JSON value."""
    if not path or not isinstance(value, dict | list) or not value:
        return new
    if isinstance(value, list):
        at = path[0] % len(value)
        return [_changed(one, path[1:], new) if number == at else one for number, one in enumerate(value)]
    key = sorted(value)[path[0] % len(value)]
    return {**value, key: _changed(value[key], path[1:], new)}


@pytest.mark.parametrize("name", [name for name, (content, _) in SAMPLES.items() if not isinstance(content, str)])
@settings(max_examples=60)
@given(path=st.lists(st.integers(0, 20), min_size=1, max_size=8), new=VALUES)
def test_any_value_anywhere_is_borne(name: str, path: list[int], new: Any) -> None:
    content, file = SAMPLES[name]
    _read(name, json.dumps(_changed(content, path, new)).encode(), file)


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=40)
@given(at=st.integers(0, 5_000), new=st.binary(max_size=4), cut=st.booleans())
def test_any_bytes_anywhere_are_borne(name: str, at: int, new: bytes, cut: bool) -> None:
    content, file = SAMPLES[name]
    data = document(content).data
    at %= len(data)
    _read(name, data[:at] + new + (b"" if cut else data[at + len(new) :]), file)


def _read(name: str, data: bytes, file: str) -> None:
    reader = importers()[name]()
    one = document(data, file)
    if reader.takes(one):
        with contextlib.suppress(ProtocolError):
            list(reader.read(one))
        list(reader.rest())
