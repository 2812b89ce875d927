"""Kernels of images: each with its configuration from where it is, and none from what is no configuration."""

from __future__ import annotations

import contextlib
import gzip
import random
from typing import Any

import pytest

from plumbline.collect.firmware.kernel_configuration import LINE_MAX, SIZE_MAX, read_configuration
from plumbline.collect.firmware.kernels import RELEASES_MAX
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.formats.making_kernels import BANNER, bzimage, kernel, plain_image
from tests.collect.firmware.making import Node
from tests.collect.firmware.told import told_of, told_of_files

Files = dict[str, Node | bytes | str]
ROOT: Files = {"/etc/passwd": b"root:*:0:0::/:/bin/sh\n", "/bin/sh": b"\0", "/usr/x": b"\0"}
GOOD = b"""#
# Automatically generated file; DO NOT EDIT.
# Linux/arm64 6.1.20 Kernel Configuration
#
CONFIG_CC_VERSION_TEXT="gcc (GCC) 12.2.0 = new"
CONFIG_STACKPROTECTOR=y
CONFIG_STACKPROTECTOR_STRONG=y
CONFIG_STRICT_KERNEL_RWX=y

CONFIG_RANDOMIZE_BASE=y
CONFIG_USER_NS=m
# CONFIG_DEBUG_FS is not set
"""


def kernel_with(config: bytes) -> bytes:
    return kernel(config=False).replace(b"\0" * 64 + BANNER, b"IKCFG_ST" + config + b"IKCFG_ED" + b"\0" * 64 + BANNER)


def test_options_are_on_or_off_or_not_named() -> None:
    found = read_configuration(GOOD)
    assert (found.architecture, found.named, found.stack_protector) == ("arm64", 7, "strong")
    named = {option: on for option, on in found.options.items() if on is not None}
    assert named == {"strict_kernel_rwx": True, "randomize_base": True, "user_ns": True, "debug_fs": False}


PROTECTORS = {
    "strong": (b"CONFIG_STACKPROTECTOR=y\nCONFIG_STACKPROTECTOR_STRONG=y\n", "strong"),
    "not strong": (b"CONFIG_STACKPROTECTOR=y\n# CONFIG_STACKPROTECTOR_STRONG is not set\n", "regular"),
    "off": (b"# CONFIG_STACKPROTECTOR is not set\n", "none"),
    "on, of a sort that is not told": (b"CONFIG_STACKPROTECTOR=y\n", None),
    "not named": (b"CONFIG_CC_HAS_STACKPROTECTOR_NONE=y\n", None),
    "4.9, none": (b"CONFIG_CC_STACKPROTECTOR_NONE=y\n# CONFIG_CC_STACKPROTECTOR_STRONG is not set\n", "none"),
    "4.9, regular": (b"CONFIG_CC_STACKPROTECTOR=y\nCONFIG_CC_STACKPROTECTOR_REGULAR=y\n", "regular"),
    "4.9, strong": (b"CONFIG_CC_STACKPROTECTOR=y\nCONFIG_CC_STACKPROTECTOR_STRONG=y\n", "strong"),
}


@pytest.mark.parametrize("case", PROTECTORS)
def test_how_stacks_are_protected(case: str) -> None:
    text, expected = PROTECTORS[case]
    assert read_configuration(text).stack_protector == expected


def test_older_names_count() -> None:
    assert read_configuration(b"CONFIG_DEBUG_RODATA=y\n").options["strict_kernel_rwx"] is True


NO_CONFIGURATIONS = {
    "nothing": b"",
    "comments alone": b"# CONFIG\n",
    "cut off": GOOD[:-5],
    "a contradiction": GOOD + b"# CONFIG_RANDOMIZE_BASE is not set\n",
    "another text": b"root:x:0:0::/:/bin/sh\n" + GOOD,
    "bytes": bytes(range(256)) + b"\n",
    "a very long line": b"CONFIG_X=" + b"a" * LINE_MAX + b"\n",
    "much too much": b"#\n" * (SIZE_MAX // 2) + GOOD,
}


@pytest.mark.parametrize("case", NO_CONFIGURATIONS)
def test_what_is_no_configuration(case: str) -> None:
    with pytest.raises(ProtocolError):
        read_configuration(NO_CONFIGURATIONS[case])


def test_a_changed_configuration_gives_a_value_or_a_protocol_error() -> None:
    dice = random.Random(5)
    for _ in range(2000):
        data = bytearray(GOOD[: dice.randrange(len(GOOD) + 1)])
        for _ in range(dice.randrange(4)):
            if data:
                data[dice.randrange(len(data))] = dice.randrange(256)
        with contextlib.suppress(ProtocolError):
            assert read_configuration(bytes(data)).named > 0


CONFIGURED: dict[str, tuple[bytes | Files, list[dict[str, Any]]]] = {
    "in the kernel": (
        plain_image(data=kernel_with(gzip.compress(GOOD))),
        [{"release": "5.10.110-northwind", "path": "", "architecture": "arm64", "configuration": "config", "options": 7}],
    ),
    "in a packed kernel": (
        bzimage(data=kernel_with(gzip.compress(GOOD))),
        [{"release": "5.10.110-northwind", "path": "kernel", "configuration": "kernel!config", "options": 7, "debug_fs": False}],
    ),
    "in none": (plain_image(data=kernel(config=False)), [{"release": "5.10.110-northwind", "configuration": None, "options": None}]),
    "beside a kernel in /boot": (
        {**ROOT, "/boot/Image-5.10.110": plain_image(data=kernel(config=False)), "/boot/config-5.10.110-northwind": GOOD},
        [{"path": "/boot/Image-5.10.110", "configuration": "/boot/config-5.10.110-northwind", "stack_protector": "strong"}],
    ),
    "alone": ({**ROOT, "/boot/config-6.1.20": GOOD}, [{"release": "6.1.20", "path": None, "options": 7, "architecture": "arm64"}]),
    "beside modules": (
        {
            **{**ROOT, "/lib/modules/6.1.20/modules.dep": b"\0", "/lib/modules/6.1.20/build": "/usr/src/linux-6.1"},
            "/usr/src/linux-6.1/.config": GOOD,
        },
        [{"release": "6.1.20", "configuration": "/usr/src/linux-6.1/.config", "randomize_base": True}],
    ),
    "of another release": (
        {**ROOT, "/lib/modules/5.4.1/modules.dep": b"\0", "/boot/config-6.1.20": GOOD},
        [{"release": "6.1.20", "options": 7}, {"release": "5.4.1", "configuration": None}],
    ),
    "of no kernel": ({**ROOT, "/boot/config-new": GOOD, "/lib/modules/readme": b"x"}, []),
}


@pytest.mark.parametrize("case", CONFIGURED)
def test_where_a_configuration_is_found(case: str) -> None:
    made, expected = CONFIGURED[case]
    told = told_of_files(made) if isinstance(made, dict) else told_of(made)
    rows = told.rows["image_kernel"]
    assert [{name: row.get(name) for name in want} for row, want in zip(rows, expected, strict=True)] == expected
    assert [row["subject"] for row in rows] == [f"kernel/{row['release']}" for row in rows]


BROKEN: dict[str, bytes] = {
    "no configuration": gzip.compress(b"\x7fELF" + bytes(5000)),
    "cut off": gzip.compress(GOOD)[:-30] + bytes(30),
    "no archive": b"\x1f\x8b\x08" + b"\xaa" * 500,
    "a bomb": gzip.compress(b"CONFIG_A=y\n" * (3 << 20)),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_configuration_is_said_and_that_beside_it_counts(case: str) -> None:
    image = plain_image(data=kernel_with(BROKEN[case]))
    [row] = told_of(image).rows["image_kernel"]
    assert (row["release"], row["configuration"], row["stack_protector"]) == ("5.10.110-northwind", None, None)
    told = told_of_files({**ROOT, "/boot/Image": image, "/boot/config-5.10.110-northwind": GOOD})
    [row] = told.rows["image_kernel"]
    assert row["configuration"] == "/boot/config-5.10.110-northwind"
    assert told.said_of("image_kernel") != []


def test_more_kernels_than_any_image_has_are_not_all_told() -> None:
    told = told_of_files({**ROOT, **{f"/boot/config-6.1.{number}": b"" for number in range(RELEASES_MAX + 1)}})
    assert len(told.rows["image_kernel"]) == RELEASES_MAX
    assert any("more than" in said for said in told.said_of("image_kernel"))
