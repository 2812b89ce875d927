"""Small ELF programs: headers and an empty dynamic section, as a linker of 32-bit ARM would have written them, and no code to run.

Layout (System V ABI, chapters 4 and 5): header of 52 bytes, program headers of 32 bytes, then dynamic section, symbols, strings, section
headers of 40 bytes.
"""

from __future__ import annotations

import struct

_EXECUTABLE, _SHARED, _ARM = 2, 3, 40
_LOAD, _DYNAMIC, _INTERPRETER, _STACK, _RELRO = 1, 2, 3, 0x6474E551, 0x6474E552
_READ, _WRITE, _EXECUTE = 4, 2, 1
_STRTAB, _SYMTAB, _STRSZ, _BIND_NOW, _FLAGS_1 = 5, 6, 10, 24, 0x6FFFFFFB
_PIE = 0x08000000
_LOADER = b"/lib/ld-linux-armhf.so.3\0"


def program(name: str, *, hardened: bool = True) -> bytes:
    """Write a program that has all of what a compiler can do against misuse of its memory, or nothing of it; it holds its name."""
    symbols = (b"__stack_chk_fail", b"__memcpy_chk") if hardened else (b"memcpy",)
    strings = b"\0" + b"".join(symbol + b"\0" for symbol in symbols)
    kinds = [_INTERPRETER, _DYNAMIC, _LOAD, _STACK, *([_RELRO] if hardened else [])]
    interpreter_at = 52 + 32 * len(kinds)
    dynamic_at = interpreter_at + len(_LOADER) + (-len(_LOADER)) % 4
    tags = [(_STRTAB, 0), (_STRSZ, len(strings)), (_SYMTAB, 0), *([(_BIND_NOW, 0), (_FLAGS_1, _PIE)] if hardened else []), (0, 0)]
    symbols_at = dynamic_at + 8 * len(tags)
    table = bytes(16) + b"".join(struct.pack("<3I2BH", strings.index(b"\0" + symbol) + 1, 0, 0, 0x12, 0, 0) for symbol in symbols)
    strings_at = symbols_at + len(table)
    word_at = strings_at + len(strings)
    word = name.encode() + b"\0"
    sections_at = word_at + len(word) + (-(word_at + len(word))) % 4
    size = sections_at + 3 * 40

    tags[0], tags[2] = (_STRTAB, strings_at), (_SYMTAB, symbols_at)
    places = {_INTERPRETER: (interpreter_at, len(_LOADER)), _DYNAMIC: (dynamic_at, 8 * len(tags)), _LOAD: (0, size), _STACK: (0, 0)}
    stack = _READ | _WRITE | (0 if hardened else _EXECUTE)
    segments = b"".join(
        struct.pack("<8I", kind, at, at, at, length, length, stack if kind == _STACK else _READ, 4)
        for kind in kinds
        for at, length in [places.get(kind, (dynamic_at, 8 * len(tags)))]
    )
    sections = bytes(40)
    sections += struct.pack("<10I", 0, 11, 2, symbols_at, symbols_at, len(table), 2, 1, 4, 16)
    sections += struct.pack("<10I", 0, 3, 2, strings_at, strings_at, len(strings), 0, 0, 1, 0)
    header = b"\x7fELF\x01\x01\x01" + bytes(9)
    kind = _SHARED if hardened else _EXECUTABLE
    header += struct.pack("<2H5I6H", kind, _ARM, 1, 0, 52, sections_at, 0x05000400, 52, 32, len(kinds), 40, 3, 0)
    body = header + segments + _LOADER.ljust(dynamic_at - interpreter_at, b"\0")
    body += b"".join(struct.pack("<2I", *tag) for tag in tags) + table + strings + word
    return body.ljust(sections_at, b"\0") + sections
