"""What each header, container and kernel tells of itself: the version, the board, the parts, who signed it, and that a change is seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from plumbline.collect.firmware.format import Opened, load_formats
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.formats.making_headers import PAYLOAD, SETTINGS, TWO_RANGES, esp32, multi
from tests.collect.firmware.formats.making_packages import ROOTFS, device_manifest, mender
from tests.collect.firmware.formats.samples import SAMPLES
from tests.collect.firmware.formats.trying import opened, run, source_of, whole


@dataclass(frozen=True)
class Told:
    """What is expected of one sample; `header` and `facts` name only what matters here."""

    header: dict[str, Any]
    parts: tuple[str, ...] = ()
    signed: tuple[tuple[str, str | None, int | None, bool | None], ...] = ()
    facts: tuple[str, ...] = ()


BOOT = ("cmdline=console=ttyS0 androidboot.hardware=cam psk=(secret)", "os_version=12.0.1", "security_patch=2024-05")
AVB = (("android-avb", "rsa", 2048, True),)
ESP32 = {
    "version": "1.4.2",
    "product": "northwind-cam",
    "hardware": ("ESP32-C3",),
    "architecture": "riscv",
    "security_version": 3,
    "checksum": True,
}
RAUC = {"version": "1.4.2", "product": "Northwind Cam 3", "hardware": ("Northwind Cam 3",), "checksum": True}
MENDER = {"version": "1.4.2", "name": "release-1.4.2", "hardware": ("cam3", "cam4"), "checksum": True}
MENDER_PARTS = ("scripts/ArtifactInstall_Enter_01:script", "data/0000.tar:payload")
SWUPDATE = {"version": "1.4.2", "hardware": ("1.0", "#RE:^1\\.[23]$"), "checksum": True, "encrypted": False}
SWUPDATE_PARTS = ("rootfs.ext4:None", "update.lua:script")
ADU = {"version": "1.4.2", "product": "Cam3", "vendor": "Northwind", "hardware": ("manufacturer=northwind model=cam-3",)}
ENVIRONMENT = {"version": "U-Boot 2019.04 (Jan 01 2020)", "product": "cam3", "architecture": "arm", "checksum": True}
MEMORY = ("0x08000000:memory", "0x08010000:memory")

TOLD: dict[tuple[str, str], Told] = {
    ("android_boot", "version 0"): Told({"name": "cam", "checksum": True}, ("kernel:kernel", "ramdisk:ramdisk"), facts=BOOT),
    ("android_boot", "version 2"): Told(
        {"name": "cam", "checksum": True}, ("kernel:kernel", "ramdisk:ramdisk", "recovery-dtbo:dtb", "dtb:dtb"), facts=BOOT
    ),
    ("android_boot", "version 4, signed"): Told({"checksum": None}, ("kernel:kernel", "ramdisk:ramdisk"), AVB, BOOT),
    ("android_boot", "vendor's, version 4"): Told({"name": "cam"}, ("ramdisk:ramdisk", "dtb:dtb", "bootconfig:bootconfig"), facts=BOOT[:1]),
    ("android_boot", "verified boot"): Told(
        {"security_version": 7, "checksum": True}, ("kernel:kernel", "ramdisk:ramdisk", "recovery-dtbo:dtb", "dtb:dtb"), AVB
    ),
    ("vbmeta", "signed"): Told({"security_version": 7}, (), AVB, ("partitions=boot", "release=avbtool 1.2.0")),
    ("vbmeta", "not signed"): Told({"security_version": 7}, (), (), ("partitions=boot",)),
    ("device_update", "import"): Told(ADU, (), (), ("step.0=microsoft/swupdate:2, file cam.swu, installed when 1.4.2",)),
    ("device_update", "device"): Told(ADU, (), (("azure-device-update", "rsa", 2048, True),)),
    ("esp32", "signed"): Told(ESP32, ("segment-0:memory", "segment-1:memory"), (("esp-secure-boot-v2", "rsa", 3072, True),)),
    ("esp32", "unsigned"): Told(ESP32, ("segment-0:memory", "segment-1:memory"), (), ("idf_version=v5.1.2", "appended_digest=yes")),
    ("esp32", "without a digest"): Told(ESP32, ("segment-0:memory", "segment-1:memory"), (), ("appended_digest=no",)),
    ("esp32_flash", "a table"): Told(
        {"checksum": True},
        ("bootloader:bootloader", "nvs:nvs", "keys:nvs-keys", "factory:firmware", "ota_1:firmware"),
        (),
        ("partition.keys=nvs-keys 0xa000 4096 bytes marked encrypted",),
    ),
    ("gbl", "signed"): Told(
        {"version": "42", "vendor": "Silicon Labs", "checksum": True, "encrypted": False},
        ("program-0:firmware",),
        (("gbl", "ecdsa", 256, None),),
    ),
    ("gbl", "encrypted"): Told({"checksum": True, "encrypted": True}, ("encrypted-0:firmware",), (("gbl", "ecdsa", 256, None),)),
    ("intel_hex", "two ranges"): Told({"checksum": True}, MEMORY, (), ("start=0x8000101", "size_bytes=1071")),
    ("srec", "two ranges"): Told({"checksum": True, "name": "cam.s19"}, MEMORY, (), ("start=0x8000000", "size_bytes=1071")),
    ("linux", "bzImage"): Told({"version": "5.10.110-northwind", "architecture": "x86_64"}, ("kernel:kernel",)),
    ("linux", "zImage"): Told({"version": "5.10.110-northwind", "architecture": "arm"}, ("kernel:kernel",)),
    ("linux", "zImage, big endian"): Told({"version": "5.10.110-northwind", "architecture": "arm"}, ("kernel:kernel",)),
    ("linux", "Image"): Told({"version": "5.10.110-northwind", "architecture": "arm64"}, ("config:kernel-config", "initramfs:ramdisk")),
    ("linux", "RISC-V"): Told({"architecture": "riscv"}, ("config:kernel-config", "initramfs:ramdisk")),
    ("linux", "vmlinux"): Told({"architecture": "mips"}, ("config:kernel-config", "initramfs:ramdisk")),
    ("lzop", "a text"): Told({}, ("data:None",)),
    ("matter_ota", "a payload"): Told(
        {"version": "1.4.2", "vendor": "65521", "product": "32769", "checksum": True},
        ("payload:firmware",),
        (),
        ("software_version=10402", "least_version=1", "greatest_version=10401"),
    ),
    ("mender", "RSA"): Told(MENDER, MENDER_PARTS, (("mender", "rsa", 2048, None),), ("provides.mqtt_password=(secret)",)),
    ("mender", "ECDSA, xz"): Told(MENDER, MENDER_PARTS, (("mender", "ecdsa", 256, None),), ("group=doors",)),
    ("mender", "unsigned"): Told(MENDER, MENDER_PARTS, (), ("payloads=rootfs-image",)),
    ("rauc", "plain"): Told(RAUC, ("rootfs.squashfs:rootfs",), (("rauc-cms", "rsa", 2048, True),), ("signer.0=CN=update,O=Northwind",)),
    ("rauc", "verity"): Told(RAUC, ("rootfs.squashfs:rootfs",), (("rauc-cms", "rsa", 2048, True),), ("format=verity",)),
    ("rauc", "crypt"): Told(
        RAUC | {"encrypted": True},
        ("payload:rootfs",),
        (("rauc-cms", "rsa", 2048, True),),
        ("crypt_key=(secret), in the clear in the manifest",),
    ),
    ("swupdate", "CMS"): Told(SWUPDATE, SWUPDATE_PARTS, (("swupdate-cms", "rsa", 2048, True),), ("without_digest=update.lua",)),
    ("swupdate", "RSA"): Told(SWUPDATE, SWUPDATE_PARTS, (("swupdate-rsa", "rsa", 2048, None),), ("boards=cam3",)),
    ("swupdate", "JSON"): Told({"version": "2.0.0", "encrypted": True}, ("rootfs.ext4:None", "update.lua:None")),
    ("u_boot_env", "little"): Told(
        ENVIRONMENT,
        ("environment:boot-env",),
        (),
        ("bootargs=console=ttyS0 root=/dev/mtdblock2 password=(secret)", "bootstopkey=(secret)", "secret_settings=wifi_key", "bootdelay=3"),
    ),
    ("u_boot_env", "two blocks"): Told(ENVIRONMENT, ("environment:boot-env",), (), ("flags=1", "order=big")),
    ("uf2", "one family"): Told({"hardware": ("RP2040",)}, ("0x10000000:memory",)),
    ("uf2", "no family"): Told({"hardware": ()}, ("0x10000000:memory",)),
    ("zigbee_ota", "signed"): Told(
        {"version": "42", "vendor": "0x117c", "product": "0x1101", "name": "Northwind lamp"},
        ("image:firmware",),
        (("zigbee-ecdsa", "ecdsa", 163, None),),
    ),
    ("zigbee_ota", "all fields"): Told(
        {"hardware": ("1 to 3",)}, ("image:firmware",), (), ("hardware_least=1", "hardware_greatest=3", "for_one_device=yes")
    ),
}


@pytest.mark.parametrize(("name", "case"), TOLD)
def test_what_it_tells(name: str, case: str) -> None:
    expected, found = TOLD[name, case], opened(name, SAMPLES[name][case])
    assert {key: getattr(found.header, key) for key in expected.header} == expected.header
    assert tuple(f"{part.name}:{part.role}" for part in found.parts) == expected.parts
    assert tuple((one.scheme, one.algorithm, one.key_bits, one.verified) for one in found.signatures) == expected.signed
    assert set(expected.facts) <= {f"{key}={value}" for key, value in found.header.facts.items()}


def test_no_secret_of_a_sample_is_told() -> None:
    secrets = ("hunter22", "letmein", "abcdefghij", "topsecret1")
    for name, cases in SAMPLES.items():
        for data in cases.values():
            header = opened(name, data).header
            assert not [secret for secret in secrets if secret in str(header)], name


def flipped(name: str, case: str, where: bytes) -> bytes:
    """A sample with one bit changed in what begins with `where`."""
    good = SAMPLES[name][case]
    at = good.index(where) + 2
    return good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]


CHANGED: dict[str, tuple[str, bytes]] = {
    "a signed ESP32 image": ("esp32", flipped("esp32", "signed", PAYLOAD)),
    "an ESP32 image": ("esp32", flipped("esp32", "unsigned", PAYLOAD)),
    "a Gecko image": ("gbl", flipped("gbl", "signed", PAYLOAD)),
    "the payload of a Matter image": ("matter_ota", flipped("matter_ota", "a payload", PAYLOAD)),
    "a file of a Mender artifact": ("mender", mender(rootfs=ROOTFS[:-1] + b"!")),
    "a file of an SWUpdate package": ("swupdate", flipped("swupdate", "CMS", ROOTFS)),
    "the digest in a Device Update manifest's signature": ("device_update", device_manifest(said=bytes(32))),
    "verified boot metadata": ("vbmeta", flipped("vbmeta", "signed", b"avbtool")),
    "a record": ("srec", flipped("srec", "two ranges", b"5A5A5A")),
}


def _doubtful(found: Opened) -> bool:
    """Whether anything that was opened says that it is not as it should be."""
    return bool(found.problems) or found.header.checksum is False or any(one.verified is False for one in found.signatures)


@pytest.mark.parametrize("case", CHANGED)
def test_a_changed_one_says_so(case: str) -> None:
    name, data = CHANGED[case]
    assert not [sample for sample in SAMPLES[name].values() if _doubtful(opened(name, sample))]
    assert load_formats()[name].recognises(source_of(data))
    try:
        assert _doubtful(opened(name, data))
    except ProtocolError as error:
        assert "does not hold" in str(error)


def test_a_changed_environment_is_none() -> None:
    """Nothing but its checksum tells it."""
    assert not load_formats()["u_boot_env"].recognises(source_of(flipped("u_boot_env", "little", b"bootdelay")))


@pytest.mark.system
def test_an_environment_of_mkenvimage(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("".join(f"{name}={value}\n" for name, value in SETTINGS.items()))
    for options, order in (((), "little"), (("-b",), "big"), (("-r",), "little")):
        run("mkenvimage", *options, "-s", "8192", "-o", "env", "text", cwd=tmp_path)
        found = opened("u_boot_env", (tmp_path / "env").read_bytes())
        assert {key: getattr(found.header, key) for key in ENVIRONMENT} == ENVIRONMENT
        assert (found.header.facts["order"], found.header.facts["size_bytes"], found.problems) == (order, "8192", ())


@pytest.mark.system
@pytest.mark.parametrize("form", ["ihex", "srec"])
def test_records_of_objcopy(form: str, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(PAYLOAD * 100)
    run("objcopy", "-I", "binary", "-O", form, "--change-addresses", "0x8000000", "data", "out", cwd=tmp_path)
    found = opened({"ihex": "intel_hex", "srec": "srec"}[form], (tmp_path / "out").read_bytes())
    assert found.header.checksum is True and found.problems == ()
    assert [(part.name, whole(part.source)) for part in found.parts] == [("0x08000000", PAYLOAD * 100)]


@pytest.mark.system
def test_images_of_mkimage(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(PAYLOAD)
    (tmp_path / "b").write_bytes(b"ramdisk!!")
    given = ("-A", "arm", "-O", "linux", "-C", "none", "-a", "0x8000", "-e", "0x8040", "-n", "made by mkimage")
    run("mkimage", *given, "-T", "kernel", "-d", "a", "one", cwd=tmp_path)
    run("mkimage", *given, "-T", "multi", "-d", "a:b", "several", cwd=tmp_path)
    one, several = (opened("uimage", (tmp_path / name).read_bytes()) for name in ("one", "several"))
    assert (one.header.name, one.header.architecture, one.header.checksum) == ("made by mkimage", "arm", True)
    assert [whole(part.source) for part in one.parts] == [PAYLOAD]
    assert [whole(part.source) for part in several.parts] == [PAYLOAD, b"ramdisk!!"]
    assert (one.problems, several.problems) == ((), ())


def test_the_bytes_of_records_and_blocks_come_back() -> None:
    for name, case in (("intel_hex", "two ranges"), ("srec", "two ranges")):
        assert [whole(part.source) for part in opened(name, SAMPLES[name][case]).parts] == [data for _, data in TWO_RANGES]
    assert whole(opened("uf2", SAMPLES["uf2"]["one family"]).parts[0].source) == PAYLOAD
    assert whole(opened("uimage", multi(b"x", b"y")).parts[1].source) == b"y"
    flash = {part.name: whole(part.source) for part in opened("esp32_flash", SAMPLES["esp32_flash"]["a table"]).parts}
    assert flash["factory"].startswith(esp32()) and flash["nvs"].startswith(b"nvs" * 50)
