"""Images as devices get them: an update package around a disk, a file system, a FIT, a kernel and its first files, to the innermost one."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import pytest

from plumbline.collect.firmware.source import Budget
from plumbline.collect.firmware.unpack import Layer, State, unpack
from tests.collect.collecting import REAL_DATA
from tests.collect.firmware.formats.making_devicetree import fit
from tests.collect.firmware.formats.making_headers import trx, uimage
from tests.collect.firmware.formats.making_kernels import kernel, zimage
from tests.collect.firmware.formats.making_packages import description, mender, newc, swu
from tests.collect.firmware.formats.trying import opened, run, source_of
from tests.collect.firmware.making import image

SECRET = b"root:$1$abcdefgh$abcdefghijklmnopqrstuv:1::::::\n"
INITIAL = newc(("init", b"#!/bin/sh\n"), ("etc/shadow", SECRET))


def layers_of(data: bytes) -> tuple[dict[str, Layer], list[str]]:
    layers, problems = unpack(source_of(data), Budget())
    return {layer.path: layer for layer in layers}, problems


def innermost(layers: dict[str, Layer]) -> str:
    """Give the way to the layer that holds the secret; there must be one."""
    [path] = [
        path
        for path, layer in layers.items()
        if layer.tree and (entry := layer.tree.entries.get("/etc/shadow")) and entry.size == len(SECRET)
    ]
    layer = layers[path]
    assert layer.tree is not None and layer.tree.content(layer.tree.entries["/etc/shadow"], 1 << 20) == SECRET
    return path


def booting(packed: bytes) -> bytes:
    """A FIT whose kernel is a uImage around a zImage, with its initial files inside."""
    return fit(change={"images/kernel-1": {"type": b"kernel\0", "data": uimage(zimage("xz", kernel(files=packed)), compression=0)}})


def file_system(folder: Path, files: dict[str, bytes]) -> bytes:
    for name, content in files.items():
        (folder / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "in" / name).write_bytes(content)
    run("mke2fs", "-q", "-F", "-t", "ext4", "-d", folder / "in", folder / "ext4", "4M")
    return (folder / "ext4").read_bytes()


def disk(folder: Path, root: bytes) -> bytes:
    (folder / "disk").write_bytes(bytes(9 << 20))
    run("sfdisk", "-q", folder / "disk", given=b'label: gpt\nstart=2048, size=8192, type=L, name="rootfs"\n')
    data = bytearray((folder / "disk").read_bytes())
    data[1 << 20 : (1 << 20) + len(root)] = root
    return bytes(data)


@pytest.mark.system
def test_a_package_of_a_disk_of_a_system_of_a_kernel(tmp_path: Path) -> None:
    root = file_system(tmp_path, {"etc/hostname": b"cam", "bin/sh": b"#", "usr/x": b"", "boot/fitImage": booting(gzip.compress(INITIAL))})
    packed = gzip.compress(disk(tmp_path, root))
    layers, problems = layers_of(swu(description(rootfs=packed), rootfs=packed))
    assert innermost(layers) == "rootfs.ext4!data!partition 1 (rootfs)!/boot/fitImage!kernel-1!kernel!kernel!initramfs"
    assert problems == []
    assert {layer.format.id for layer in layers.values() if layer.format} >= {
        "swupdate",
        "gzip",
        "disk",
        "ext",
        "fit",
        "uimage",
        "linux",
        "cpio",
    }
    assert {layer.state for layer in layers.values()} == {State.OPENED}
    texts = [path.rpartition("!")[2] for path, layer in layers.items() if layer.kind == "text"]
    assert sorted(texts) == ["config", "ramdisk-1", "update.lua"]


def test_a_routers_image() -> None:
    """A TRX of a packed kernel and a squashfs."""
    root = image({"/etc/shadow": SECRET, "/etc/passwd": b"root:x:0:0::/:/bin/sh\n", "/bin/sh": b"#"})
    packed = lzma.compress(kernel(), lzma.FORMAT_ALONE)
    layers, problems = layers_of(b"VENDOR" * 100 + trx(packed + bytes(-len(packed) % 4), root))
    assert innermost(layers) == "@0x258!part-1"
    inside = layers["@0x258!part-0!data!initramfs"].tree
    assert problems == [] and inside is not None and sorted(inside.entries) == ["/etc", "/etc/passwd", "/init"]


def test_an_artifact_of_a_squashfs() -> None:
    root = image({"/etc/shadow": SECRET})
    assert innermost(layers_of(mender(rootfs=root))[0]) == "data/0000.tar!/rootfs.ext4"


def test_the_real_manifests_of_device_update() -> None:
    if not (REAL_DATA / "azure-device-update").is_dir():
        pytest.skip("the real data lie beside the project, and are not there")
    found = {}
    for path in (REAL_DATA / "azure-device-update").glob("*anifest.json"):
        try:
            header = opened("device_update", path.read_bytes()).header
        except AssertionError:  # a manifest of apt, which is none of these
            continue
        found[path.name.rpartition("__")[2]] = (header.vendor, header.product, header.version)
    assert {told for name, told in found.items() if "importManifest" in name} == {
        ("Contoso", "SampleUpdate", "1.0.2"),
        ("Contoso", "SampleUpdate1", "1.0.1"),
        ("Contoso", "SampleUpdate2", "2.0.1"),
    }
    assert found["updateManifest.json"] == ("Contoso", "Virtual-Vacuum", "20.0")
