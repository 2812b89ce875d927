"""Every format, each with a small sample: cut or changed anywhere, it gives a value or ProtocolError, and all files of it are read.

Headers and containers are also cut at every byte, by `test_headers`. Whatever has no sample here or there fails the last test.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from plumbline.collect.firmware.format import load_formats
from plumbline.collect.firmware.source import Budget
from plumbline.collect.firmware.unpack import State, unpack
from tests.collect.firmware.formats import (
    making_kernels,
    test_android_sparse,
    test_ar,
    test_compressions,
    test_cpio,
    test_cramfs,
    test_disk,
    test_ext,
    test_fat,
    test_jffs2,
    test_oci,
    test_romfs,
    test_tar,
    test_ubi,
    test_ubifs,
    test_zip,
)
from tests.collect.firmware.formats.samples import SAMPLES, SMALL
from tests.collect.firmware.formats.trying import changed, look, opened, source_of
from tests.collect.firmware.making import image

TEXT = b"some text of a firmware image " * 200
MADE: dict[str, Callable[[], bytes]] = {
    **{name: lambda name=name: test_compressions.MADE[name][1](TEXT) for name in ("gzip", "bzip2", "xz", "lzma", "lz4", "zstd")},  # type: ignore[misc]
    "android_sparse": lambda: test_android_sparse.GOOD,
    "ar": lambda: test_ar.GOOD,
    "cpio": lambda: test_cpio.GOOD,
    "disk": test_disk.logical,
    "linux_raw": lambda: making_kernels.kernel(size=256 << 10),
    "oci": lambda: test_oci.ARCHIVES["docker save"],
    "squashfs": lambda: image({"/etc/passwd": b"root" * 3000, "/bin/sh": "busybox", "/a/b/c": b"deep"}),
    "tar": lambda: test_tar.GOOD,
    "zip": lambda: test_zip.GOOD,
}
BY_TOOLS: dict[str, Callable[[], bytes]] = {
    "cramfs": test_cramfs.small,
    "ext": test_ext.small,
    "fat": test_fat.small,
    "jffs2": test_jffs2.small,
    "romfs": test_romfs.small,
    "ubi": test_ubi.made,
    "ubifs": test_ubifs.small,
}
EACH = [*MADE, *(pytest.param(name, marks=pytest.mark.system) for name in BY_TOOLS)]
EVERY_CUT = 4_000  # bytes up to which a sample is cut at every one


def sample(name: str) -> bytes:
    return (MADE | BY_TOOLS)[name]()


def cuts(data: bytes, few: int) -> Iterator[bytes]:
    """Cut it: where headers stand everywhere, elsewhere at random."""
    dice = random.Random(3)
    every = range(len(data))
    chosen = every if len(data) <= few else [*range(min(few // 2, 512)), *dice.sample(every, few // 2)]
    return (data[:at] for at in chosen)


@pytest.mark.parametrize("name", EACH)
def test_the_sample_is_one(name: str) -> None:
    if name != "linux_raw":  # which nothing is told for that lies in a file as it is
        assert opened(name, sample(name)).problems == ()


@pytest.mark.parametrize("name", EACH)
def test_cut_anywhere(name: str) -> None:
    for data in cuts(sample(name), 400):
        look(name, data, 16 << 20)


@pytest.mark.parametrize("name", EACH)
def test_changed_anywhere(name: str) -> None:
    for data in changed(sample(name), 60, 13):
        look(name, data, 16 << 20)


def unpacked(name: str, rounds: int, seed: int) -> None:
    """Open changed samples layer by layer, some with another behind them: nothing is raised, and every layer has its state."""
    others = list(SMALL.values())
    for number, data in enumerate(changed(sample(name) if name not in SMALL else SMALL[name], rounds, seed)):
        layers, _problems = unpack(source_of(data + others[number % len(others)] * (number % 3 == 0)), Budget(16 << 20))
        assert all(layer.path.isprintable() for layer in layers)
        assert layers and all(
            layer.opened is not None or layer.kind in ("blank", "text") for layer in layers if layer.state is State.OPENED
        )


@pytest.mark.parametrize("name", [*SMALL, *EACH])
def test_changed_ones_are_opened_layer_by_layer(name: str) -> None:
    unpacked(name, 10, 17)


@pytest.mark.full
@pytest.mark.parametrize("name", [*SMALL, *EACH])
def test_many_changed_ones_are_opened_layer_by_layer(name: str) -> None:
    unpacked(name, 400, 18)


@pytest.mark.full
@pytest.mark.parametrize("name", EACH)
def test_cut_at_every_byte(name: str) -> None:
    for data in cuts(sample(name), EVERY_CUT):
        look(name, data, 16 << 20)


@pytest.mark.parametrize("name", load_formats())
def test_what_is_of_another_format_altogether(name: str) -> None:
    """A sample of each, opened as each."""
    for data in (*SMALL.values(), *(make() for make in MADE.values()), b"", b"\0", bytes(70_000), b"\xff" * 70_000):
        look(name, data, 16 << 20)


def test_each_format_has_a_sample() -> None:
    assert set(load_formats()) == set(SAMPLES) | set(MADE) | set(BY_TOOLS)
