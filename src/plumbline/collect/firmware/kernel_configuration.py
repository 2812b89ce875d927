"""The configuration of a Linux kernel, as kconfig writes it: which of the options that matter to security are on.

Not where it is found (`kernels`) and not what is bad. Rules: an option that the text does not name is not told (None), never off: that
kernel may not know it, or know it by another name, or the text is a short one that leaves out what is the default. A text with anything but
options and comments, that is cut off, or that contradicts itself, is no configuration.

| line | means | Linux |
|---|---|---|
| `CONFIG_X=y`, `=m` | on, built in or as a module | scripts/kconfig/confdata.c |
| `# CONFIG_X is not set` | off | |
| `CONFIG_X="text"`, `=1`, `=0x1` | a value | |
| `# Linux/arm64 6.1.0 Kernel Configuration` | architecture and version | |

Options bore other names before: CC_STACKPROTECTOR* until 4.18, DEBUG_RODATA and DEBUG_SET_MODULE_RONX until 4.11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from plumbline.model.errors import ProtocolError

SIZE_MAX = 4 << 20  # distributions' own take 300 KB
LINE_MAX = 4096
_ON = re.compile(rb"CONFIG_([A-Z0-9a-z_]{1,120})=(.*)")
_OFF = re.compile(rb"# CONFIG_([A-Z0-9a-z_]{1,120}) is not set")
_TITLE = re.compile(rb"# Linux/([a-z0-9_]{1,20}) \S{1,100} Kernel Configuration")
_OPTIONS: dict[str, tuple[str, ...]] = {
    "strict_kernel_rwx": ("STRICT_KERNEL_RWX", "DEBUG_RODATA"),
    "strict_module_rwx": ("STRICT_MODULE_RWX", "DEBUG_SET_MODULE_RONX"),
    "randomize_base": ("RANDOMIZE_BASE",),
    "fortify_source": ("FORTIFY_SOURCE",),
    "hardened_usercopy": ("HARDENED_USERCOPY",),
    "seccomp": ("SECCOMP",),
    "devmem": ("DEVMEM",),
    "strict_devmem": ("STRICT_DEVMEM",),
    "modules": ("MODULES",),
    "module_sig": ("MODULE_SIG",),
    "module_sig_force": ("MODULE_SIG_FORCE",),
    "user_ns": ("USER_NS",),
    "debug_fs": ("DEBUG_FS",),
}


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a configuration says. `named` is how many options it names; of each option on, off, or None: not named."""

    architecture: str | None
    named: int
    stack_protector: str | None  # strong, regular, none
    options: dict[str, bool | None]


def read_configuration(data: bytes) -> Configuration:
    """Read a whole configuration; raises ProtocolError."""
    if len(data) > SIZE_MAX:
        raise ProtocolError(f"a configuration larger than {SIZE_MAX >> 20} MB")
    if not data.endswith(b"\n"):
        raise ProtocolError("a configuration that is cut off", offset=len(data))
    said: dict[bytes, bytes] = {}
    architecture = None
    for number, line in enumerate(data.splitlines(), 1):
        found = _option(line, number)
        if found is None:
            title = _TITLE.fullmatch(line)
            architecture = title[1].decode("ascii") if title and architecture is None else architecture
        elif said.setdefault(*found) != found[1]:
            raise ProtocolError(f"line {number} of a configuration contradicts an earlier one")
    if not said:
        raise ProtocolError("a configuration without an option")
    options = {column: next((on for name in names if (on := _is_on(said, name)) is not None), None) for column, names in _OPTIONS.items()}
    return Configuration(architecture, len(said), _stack_protector(said), options)


def _option(line: bytes, number: int) -> tuple[bytes, bytes] | None:
    """Give the option that a line names, and its value, `n` where it is not set; None of a comment."""
    if len(line) > LINE_MAX:
        raise ProtocolError(f"line {number} of a configuration is longer than {LINE_MAX} bytes")
    if (off := _OFF.fullmatch(line)) is not None:
        return off[1], b"n"
    if (on := _ON.fullmatch(line)) is not None:
        return on[1], on[2]
    if line and not line.startswith(b"#"):
        raise ProtocolError(f"line {number} of a configuration names no option")
    return None


def _is_on(said: dict[bytes, bytes], name: str) -> bool | None:
    return {b"y": True, b"m": True, b"n": False}.get(said.get(name.encode(), b""))


def _stack_protector(said: dict[bytes, bytes]) -> str | None:
    """Say how it protects stacks; None where it names a protector and not of which sort."""
    for prefix in ("", "CC_"):
        main, strong = (_is_on(said, f"{prefix}STACKPROTECTOR{ending}") for ending in ("", "_STRONG"))
        if strong:
            return "strong"
        if _is_on(said, f"{prefix}STACKPROTECTOR_REGULAR") or (main and strong is False):
            return "regular"
        if main is False or _is_on(said, f"{prefix}STACKPROTECTOR_NONE"):
            return "none"
    return None
