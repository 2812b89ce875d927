"""Images that real devices are started with, out of Debian's `debian-installer-12-netboot-armel`: opened to the last file.

What other people's tools take out of them (gzip, xz, cpio) is what must be found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from plumbline.collect.firmware.source import Budget, Source
from plumbline.collect.firmware.unpack import Layer, State, unpack
from tests.collect.firmware.formats.trying import run, seen, told

IMAGES = Path("/usr/lib/debian-installer/images/12/armel")
DNS_320 = "kirkwood/network-console/d-link/dns-320/netboot.img"
RAMDISKS = {
    "kirkwood/initrd.gz": ["data"],
    "kirkwood/marvell/sheevaplug/uInitrd": ["ramdisk", "data"],
    "orion5x/buffalo/kuroboxpro/initrd.buffalo": ["ramdisk", "data"],
    DNS_320: ["@0x28890f", "ramdisk", "data"],
}
KERNELS = {
    "kirkwood/vmlinuz-6.1.0-*-marvell": ("", None),
    "kirkwood/marvell/sheevaplug/uImage": ("kernel", "Globalscale Technologies SheevaPlug"),
    "orion5x/buffalo/kuroboxpro/uImage.buffalo": ("kernel", "Buffalo/Revogear Kurobox Pro"),
    DNS_320: ("@0x80!kernel", "D-Link DNS-320 NAS (Rev A1)"),
}
pytestmark = [pytest.mark.full, pytest.mark.system]


def opened(name: str) -> tuple[bytes, dict[str, Layer], list[str]]:
    """Open one of the images, of which there must be exactly one of that name."""
    if not IMAGES.is_dir():
        pytest.skip("debian-installer-12-netboot-armel is not installed")
    [path] = IMAGES.glob(name)
    layers, problems = unpack(Source.of_file(path.open("rb")), Budget())
    return path.read_bytes(), {layer.path: layer for layer in layers}, problems


def streams(data: bytes) -> Iterator[bytes]:
    """What the image's compressed streams hold, according to gzip and xz."""
    for match in re.finditer(rb"\x1f\x8b\x08[\0\x08]....[\0\2\4][\x03]|\xfd7zXZ\0", data, re.DOTALL):
        tool = "xz" if match[0].startswith(b"\xfd") else "gzip"
        yield run("sh", "-c", f"{tool} -dc 2>/dev/null || test $? -le 2", given=data[match.start() :])


@pytest.mark.parametrize("name", RAMDISKS)
def test_a_ramdisk_is_what_cpio_takes_out_of_it(name: str, tmp_path: Path) -> None:
    data, layers, problems = opened(name)
    [archive] = [stream for stream in streams(data) if stream.startswith(b"070701")]
    run("cpio", "--extract", "--make-directories", "--preserve-modification-time", "--quiet", cwd=tmp_path, given=archive)
    layer = layers["!".join(RAMDISKS[name])]
    assert layer.tree is not None and layer.tree.problems == [] == problems
    found, made = told(layer.tree, owners=False), seen(tmp_path, owners=False)
    assert found == made and len(found) > 1000


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_is_opened_to_what_runs(name: str) -> None:
    _data, layers, problems = opened(name)
    path, model = KERNELS[name]
    kernel, inner = layers[path], layers[f"{path}!kernel" if path else "kernel"]
    assert problems == []
    for layer in (kernel, inner):
        assert layer.state is State.OPENED and layer.opened is not None
        assert (layer.opened.header.version or "").startswith("6.1.0-")
    trees = [layer.opened.header.product for layer in layers.values() if layer.opened and layer.format and layer.format.id == "dtb"]
    assert trees == ([model] if model else [])


def test_nothing_of_a_whole_netboot_image_is_left_out() -> None:
    data, layers, _problems = opened(DNS_320)
    outer = sorted(
        (layer.source.place or 0, layer.source.size) for path, layer in layers.items() if path.startswith("@") and "!" not in path
    )
    assert outer[0][0] == 0x80 and all(layer.state is State.OPENED for path, layer in layers.items() if path)
    between = [(at + size, following) for (at, size), (following, _) in zip(outer, [*outer[1:], (len(data), 0)], strict=True)]
    assert sum(end - start for start, end in between) < 128  # a header, and filling
