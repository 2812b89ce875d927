"""TRX: parts by their offsets, and the checksum that is not inverted."""

from __future__ import annotations

import struct

import pytest

from plumbline.collect.firmware.formats.trx import FORMAT
from tests.collect.firmware.formats.making_headers import PAYLOAD, trx
from tests.collect.firmware.formats.trying import opened, source_of, whole


@pytest.mark.parametrize("version", [1, 2])
def test_parts(version: int) -> None:
    found = opened("trx", trx(PAYLOAD, b"rootfs", version=version))
    assert [(part.name, whole(part.source)) for part in found.parts] == [("part-0", PAYLOAD), ("part-1", b"rootfs")]
    assert (found.header.checksum, found.problems) == (True, ())
    assert found.header.facts == {"parts": "0x1c 0x423" if version == 1 else "0x20 0x427"}


def test_a_changed_one_says_so() -> None:
    found = opened("trx", trx(PAYLOAD)[:-1] + b"\0")
    assert (found.header.checksum, found.problems) == (False, ("its checksum does not hold",))


@pytest.mark.parametrize(
    ("at", "values"),
    [(4, (1 << 30,)), (4, (20,)), (14, (0x30000,)), (16, (0, 0, 0)), (16, (100, 50, 0)), (16, (4, 0, 0)), (16, (99999, 0, 0))],
    ids=["too large", "too small", "another version", "no parts", "parts in disorder", "a part in the header", "a part beyond"],
)
def test_numbers_that_cannot_be(at: int, values: tuple[int, ...]) -> None:
    data = bytearray(trx(PAYLOAD))
    struct.pack_into(f"<{len(values)}I", data, at, *values)
    assert not FORMAT.recognises(source_of(bytes(data)))
