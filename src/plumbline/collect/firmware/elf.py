"""ELF programs and libraries: how they were built and linked, as far as headers, dynamic section and symbols say it.

Not a disassembler and not a judge. Own, and not a library's: what is asked is little, and the bytes are hostile. Rules: every offset and
count is bounded by the file; what is not there is None; a header that cannot be is a ProtocolError.

Source: System V ABI, chapters 4 and 5; Linux extensions as in elf.h of glibc. Offsets for 32 and 64 bits:

| header | 32 | 64 | | program header | 32 | 64 | | section header | 32 | 64 |
|---|---|---|---|---|---|---|---|---|---|---|
| type, machine | 16, 18 | 16, 18 | | type | 0 | 0 | | type | 4 | 4 |
| program headers | 28 | 32 | | flags | 24 | 4 | | offset | 16 | 24 |
| section headers | 32 | 40 | | offset, address | 4, 8 | 8, 16 | | size | 20 | 32 |
| size, count of both | 42-48 | 54-60 | | size in file | 16 | 32 | | link | 24 | 40 |
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from plumbline.model.errors import ProtocolError

MAGIC = b"\x7fELF"
HEADER_MIN = 52  # bytes: what is shorter is none, whatever it begins with
HEADERS_MAX = 4_096
TEXT_MAX = 4_096
SYMBOLS_MAX = 1_000_000
IMPORTS_MAX = 50_000
NAME_MAX = 1_024  # of a symbol; those of C++ are long
DYNAMIC_MAX = 4_096
_RELOCATABLE, _EXECUTABLE, _SHARED = 1, 2, 3
_DYNAMIC, _INTERPRETER, _STACK, _RELRO, _LOAD = 2, 3, 0x6474E551, 0x6474E552, 1
_SYMTAB, _DYNSYM = 2, 11
_EXECUTE = 1
_STRTAB, _SONAME, _RPATH, _FLAGS, _FLAGS_1, _RUNPATH, _BIND_NOW, _STRSZ = 5, 14, 15, 30, 0x6FFFFFFB, 29, 24, 10
_FLAG_BIND_NOW, _FLAG_1_NOW, _FLAG_1_PIE = 8, 1, 0x08000000
_PROTECTOR = frozenset({b"__stack_chk_fail", b"__stack_chk_guard", b"__stack_smash_handler"})
_FORTIFIABLE = frozenset(
    {
        b"memcpy",
        b"memmove",
        b"memset",
        b"strcpy",
        b"strncpy",
        b"strcat",
        b"strncat",
        b"sprintf",
        b"snprintf",
        b"vsprintf",
        b"vsnprintf",
        b"gets",
    }
)
MACHINES: Mapping[int, str] = {
    2: "sparc",
    3: "x86",
    4: "m68k",
    8: "mips",
    20: "powerpc",
    21: "powerpc64",
    22: "s390x",
    40: "arm",
    42: "superh",
    45: "arc",
    62: "x86-64",
    94: "xtensa",
    113: "nios2",
    183: "aarch64",
    189: "microblaze",
    195: "arc",
    243: "riscv",
    252: "csky",
    258: "loongarch",
}


@dataclass(frozen=True, slots=True)
class Program:
    """One program or library. `relro` is none, partial or full; `imports` are the undefined symbols, None where no list tells them."""

    kind: str  # program, library
    architecture: str | None
    bits: int
    static: bool
    pie: bool  # of a library: True, it has no fixed place either
    nx: bool
    relro: str
    rpath: str | None
    stripped: bool
    interpreter: str | None
    imports: frozenset[bytes] | None

    @property
    def protected(self) -> bool | None:
        """Whether it calls the stack protector; None where no list tells: of what is linked statically, or cut."""
        return None if self.imports is None or self.static else not self.imports.isdisjoint(_PROTECTOR)

    @property
    def fortified(self) -> bool | None:
        """Whether it calls checked versions of libc's functions that have one; None where it calls none of them, or no list tells."""
        if self.imports is None or self.static:
            return None
        if any(name.endswith(b"_chk") and name.startswith(b"__") for name in self.imports):
            return True
        return None if self.imports.isdisjoint(_FORTIFIABLE) else False


def read_program(data: bytes) -> Program | None:
    """Read a program or a library; None for other kinds of ELF (objects, kernel modules, cores, stubs). Raises ProtocolError."""
    elf = _Elf(data)
    if elf.type not in (_EXECUTABLE, _SHARED):
        return None
    segments = elf.segments()
    if not segments:
        return None  # no system loads it
    dynamic = elf.dynamic(segments)
    interpreter = next((elf.text_at(one.offset, one.size) for one in segments if one.type == _INTERPRETER), None)
    flags_1 = dynamic.get(_FLAGS_1, 0)
    # A library may name an interpreter (libc does, to be run by itself), but it has a name of its own and is not marked as a program.
    is_program = elf.type == _EXECUTABLE or bool(flags_1 & _FLAG_1_PIE) or (interpreter is not None and _SONAME not in dynamic)
    now = _BIND_NOW in dynamic or dynamic.get(_FLAGS, 0) & _FLAG_BIND_NOW or flags_1 & _FLAG_1_NOW
    relro = any(one.type == _RELRO for one in segments)
    strings = elf.strings(dynamic, segments)
    return Program(
        kind="program" if is_program else "library",
        architecture=MACHINES.get(elf.machine),
        bits=64 if elf.wide else 32,
        static=interpreter is None and is_program,
        pie=elf.type == _SHARED,
        nx=any(one.type == _STACK and not one.flags & _EXECUTE for one in segments),
        relro="none" if not relro else "full" if now or not dynamic else "partial",
        rpath=next((_text(strings, dynamic[tag]) for tag in (_RUNPATH, _RPATH) if tag in dynamic), None),
        stripped=not any(one.type == _SYMTAB for one in elf.sections()),
        interpreter=interpreter,
        imports=elf.imports(),
    )


@dataclass(frozen=True, slots=True)
class _Segment:
    type: int
    flags: int
    offset: int
    address: int
    size: int


@dataclass(frozen=True, slots=True)
class _Section:
    type: int
    offset: int
    size: int
    link: int


class _Elf:
    def __init__(self, data: bytes) -> None:
        if not data.startswith(MAGIC) or len(data) < HEADER_MIN or data[4] not in (1, 2) or data[5] not in (1, 2):
            raise ProtocolError("no ELF header")
        self._data = data
        self.wide = data[4] == 2
        self._order = "<" if data[5] == 1 else ">"
        self.type, self.machine = self._read("2H", 16)
        self._word = "Q" if self.wide else "I"

    def segments(self) -> list[_Segment]:
        """Read the program headers."""
        (start,) = self._read(self._word, 32 if self.wide else 28)
        size, count = self._read("2H", 54 if self.wide else 42)
        self._table(start, size, count, 56 if self.wide else 32)
        found = []
        for at in range(start, start + size * count, size or 1):
            if self.wide:
                kind, flags, offset, address, _, length = self._read("2I4Q", at)
            else:
                kind, offset, address, _, length, _, flags = self._read("7I", at)
            found.append(_Segment(kind, flags, offset, address, length))
        return found

    def sections(self) -> list[_Section]:
        """Read the section headers; none where they were cut off, as a device does not need them."""
        (start,) = self._read(self._word, 40 if self.wide else 32)
        size, count = self._read("2H", 58 if self.wide else 46)
        try:
            self._table(start, size, count, 64 if self.wide else 40)
        except ProtocolError:
            return []
        found = []
        for at in range(start, start + size * count, size or 1):
            _, kind, _, _, offset, length, link = self._read("2I4QI" if self.wide else "7I", at)
            found.append(_Section(kind, offset, length, link))
        return found

    def dynamic(self, segments: list[_Segment]) -> dict[int, int]:
        """Read the dynamic section; of tags that come twice the first counts."""
        found: dict[int, int] = {}
        for one in segments:
            if one.type != _DYNAMIC:
                continue
            step = 16 if self.wide else 8
            for at in range(one.offset, one.offset + min(one.size, step * DYNAMIC_MAX) - step + 1, step):
                tag, value = self._read(f"2{self._word}", at)
                if tag == 0:
                    break
                found.setdefault(tag, value)
        return found

    def strings(self, dynamic: Mapping[int, int], segments: list[_Segment]) -> bytes:
        """Give the dynamic strings, which the dynamic section names by their address."""
        address, size = dynamic.get(_STRTAB), dynamic.get(_STRSZ, 0)
        for one in segments if address is not None else ():
            if one.type == _LOAD and address is not None and one.address <= address < one.address + one.size:
                start = one.offset + address - one.address
                return self._data[start : start + size]
        return b""

    def imports(self) -> frozenset[bytes] | None:
        """Give the names of the symbols that others must supply; None where the section that lists them was cut off."""
        sections = self.sections()
        table = next((one for one in sections if one.type == _DYNSYM), None)
        if table is None or table.link >= len(sections):
            return None
        names = self._data[sections[table.link].offset : sections[table.link].offset + sections[table.link].size]
        step = 24 if self.wide else 16
        entries = self._data[table.offset : table.offset + min(table.size, step * SYMBOLS_MAX)]
        entries = entries[: len(entries) // step * step]
        # Undefined: the index of its section is 0.
        undefined = {
            fields[0]
            for fields in struct.iter_unpack(f"{self._order}{'IBBHQQ' if self.wide else 'IIIBBH'}", entries)
            if fields[3 if self.wide else 5] == 0
        }
        ends = ((at, names.find(b"\0", at, at + NAME_MAX)) for at in islice(undefined, IMPORTS_MAX))
        return frozenset(names[at:end] for at, end in ends if 0 < at < end)

    def text_at(self, offset: int, size: int) -> str:
        """Read a text that ends with a NUL."""
        return _text(self._data[offset : offset + min(size, TEXT_MAX)], 0)

    def _table(self, start: int, size: int, count: int, least: int) -> None:
        if count and (size < least or count > HEADERS_MAX or start + size * count > len(self._data)):
            raise ProtocolError(f"{count} headers of {size} bytes at {start} in a file of {len(self._data)}")

    def _read(self, form: str, at: int) -> tuple[int, ...]:
        try:
            return struct.unpack_from(self._order + form, self._data, at)
        except struct.error as error:
            raise ProtocolError("an ELF file that is cut off", offset=at) from error


def _text(data: bytes, at: int) -> str:
    return data[at : at + TEXT_MAX].partition(b"\0")[0].decode("utf-8", "replace")
