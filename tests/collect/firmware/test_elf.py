"""ELF programs: the lab's, real ones beside what another reader says of them, and changed ones."""

from __future__ import annotations

import random
from pathlib import Path

import lief
import pytest

from plumbline.collect.firmware.elf import MAGIC, read_program
from plumbline.lab.files.elf import program
from plumbline.model.errors import ProtocolError

HARDENED, WEAK = program("netcfg"), program("netcfg", hardened=False)
REAL_MAX = 25


def test_a_hardened_program() -> None:
    one = read_program(HARDENED)
    assert one is not None
    assert (one.kind, one.architecture, one.bits, one.static, one.pie, one.nx, one.relro) == (
        "program",
        "arm",
        32,
        False,
        True,
        True,
        "full",
    )
    assert (one.protected, one.fortified, one.interpreter, one.stripped) == (True, True, "/lib/ld-linux-armhf.so.3", True)


def test_a_program_without_any_of_it() -> None:
    one = read_program(WEAK)
    assert one is not None
    assert (one.pie, one.nx, one.relro, one.protected, one.fortified) == (False, False, "none", False, False)


def test_without_section_headers_symbols_are_not_observed() -> None:
    one = read_program(HARDENED[:-120])
    assert one is not None
    assert (one.pie, one.nx, one.imports, one.protected, one.fortified) == (True, True, None, None, None)


def test_headers_of_no_size_are_none() -> None:
    """Tools that cut section headers off write zeros for their size and their number."""
    data = bytearray(HARDENED)
    data[46:50] = bytes(4)
    read = read_program(bytes(data))
    assert read is not None and read.imports is None
    data[42:46] = bytes(4)
    assert read_program(bytes(data)) is None


def test_what_no_system_loads_is_no_program() -> None:
    assert read_program(HARDENED[:16] + b"\x01" + HARDENED[17:]) is None  # an object
    assert (
        read_program(MAGIC + b"\x01\x01\x01" + bytes(9) + b"\x02\0\x28\0" + bytes(22) + b"\x20\0\0\0" + bytes(6)) is None
    )  # without program headers


def test_what_is_cut_off_is_said() -> None:
    for size in (0, 20, 51, 60, 200):
        with pytest.raises(ProtocolError):
            read_program(HARDENED[:size])


def test_real_programs_are_read_as_another_reader_reads_them() -> None:
    paths = [path for path in sorted(Path("/usr/bin").iterdir()) if path.is_file() and path.read_bytes()[:4] == MAGIC]
    if not paths:
        pytest.skip("no ELF programs in /usr/bin")
    for path in paths[:: max(1, len(paths) // REAL_MAX)]:
        data = path.read_bytes()
        one, other = read_program(data), lief.parse(str(path))
        assert one is not None and isinstance(other, lief.ELF.Binary)
        wanted = {one.name for one in other.dynamic_symbols if one.shndx == 0 and one.name}
        assert (one.pie, one.nx, one.interpreter) == (other.is_pie, other.has_nx, other.interpreter or None), path
        assert {name.decode() for name in one.imports or ()} == {str(name).partition("@")[0] for name in wanted}, path
        assert (one.relro != "none") == any(segment.type == lief.ELF.Segment.TYPE.GNU_RELRO for segment in other.segments), path


def test_changed_programs_give_facts_or_a_protocol_error() -> None:
    maker = random.Random(1)
    for number in range(5000):
        data = bytearray(HARDENED if number % 3 else MAGIC + maker.randbytes(maker.randrange(300)))
        for _ in range(maker.randint(1, 10)):
            data[maker.randrange(4, len(data)) if len(data) > 4 else 0] = maker.choice((0, 1, 0x7F, 0x80, 0xFF, maker.randrange(256)))
        try:
            read_program(bytes(data[: maker.choice((len(data), maker.randrange(len(data) + 1)))]))
        except ProtocolError:
            continue
