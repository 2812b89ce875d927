"""uImages: what the header says comes out, files of several are split, and a changed one is told by its checksums."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from plumbline.model.errors import ProtocolError
from tests.collect.firmware.formats.making_headers import PAYLOAD, multi, uimage
from tests.collect.firmware.formats.trying import opened, source_of, whole

# U-Boot, include/image.h: header of 64 bytes; here of an empty firmware image for ARM, by hand.
VECTOR = bytes.fromhex(
    "27051956" "00000000" "00000000" "00000000" "00000000" "00000000" "00000000" "11020500" + "636f7079" + "00" * 28
)  # fmt: skip


def test_a_header_by_hand() -> None:
    found = opened("uimage", VECTOR)
    assert (found.header.name, found.header.architecture, found.header.created_at) == ("copy", "arm", None)
    assert found.header.facts == {"os": "u-boot", "type": "firmware", "compression": "none", "load": "0x0", "entry": "0x0"}
    assert found.header.checksum is False  # of the header; the CRC-32 of no data is zero
    assert found.problems == ("the checksum of the header does not hold",)


def test_a_kernel() -> None:
    found = opened("uimage", uimage())
    header = found.header
    assert (header.name, header.architecture, header.checksum) == ("Linux-5.10", "mips", True)
    assert header.created_at == datetime.fromtimestamp(1_760_000_000, UTC)
    assert header.facts == {"os": "linux", "type": "kernel", "compression": "lzma", "load": "0x80000000", "entry": "0x80000400"}
    [part] = found.parts
    assert (part.name, part.role, part.source.place, whole(part.source)) == ("kernel", "kernel", 64, PAYLOAD)


def test_several_files_are_split() -> None:
    found = opened("uimage", multi(b"kernel", b"ramdisk!!", b"dtb"))
    assert [(part.name, part.role, whole(part.source)) for part in found.parts] == [
        ("multi-0", "kernel", b"kernel"),
        ("multi-1", "ramdisk", b"ramdisk!!"),
        ("multi-2", "dtb", b"dtb"),
    ]
    [script] = opened("uimage", multi(b"bootm 0x80000\n", kind=6)).parts
    assert (script.role, whole(script.source)) == ("script", b"bootm 0x80000\n")


def test_a_changed_one_says_so() -> None:
    good = uimage()
    data = opened("uimage", good[:100] + b"\0" + good[101:])
    assert (data.header.checksum, data.problems) == (False, ("the checksum of the data does not hold",))
    header = opened("uimage", good[:20] + b"\x81" + good[21:])
    assert (header.header.checksum, header.problems) == (False, ("the checksum of the header does not hold",))


BROKEN = {
    "data that is not all there": uimage()[:-1],
    "a list of files without an end": uimage(b"\0\0\0\1" * 100, 4, compression=0),
    "a file that runs over": uimage(b"\0\0\1\0\0\0\0\0abc", 4, compression=0),
    "no files": uimage(bytes(8), 4, compression=0),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be(case: str) -> None:
    with pytest.raises(ProtocolError):
        opened("uimage", BROKEN[case])


def test_what_is_none() -> None:
    from plumbline.collect.firmware.formats.uimage import FORMAT

    unknown_type = bytearray(VECTOR)
    unknown_type[30] = 200
    assert not FORMAT.recognises(source_of(bytes(unknown_type)))
    assert not FORMAT.recognises(source_of(VECTOR[:63]))
