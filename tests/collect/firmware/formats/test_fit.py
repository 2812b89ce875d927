"""FIT images: images in the tree and behind it, digests, and what is signed by which key."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from plumbline.collect.firmware.format import Signature
from plumbline.collect.firmware.source import BudgetSpentError
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.formats.making_devicetree import BOARD, KERNEL, RAMDISK, cell, fit, text, tree
from tests.collect.firmware.formats.trying import opened, run, whole

PLACES = {"inside": fit(), "behind": fit(external=True), "at a place": fit(external=True, position=8192)}


@pytest.mark.parametrize("case", PLACES)
def test_images_wherever_they_lie(case: str) -> None:
    found = opened("fit", PLACES[case])
    header = found.header
    assert (header.name, header.architecture, header.checksum, header.encrypted) == ("cam firmware 1.4.2", "arm64", True, False)
    assert header.created_at == datetime.fromtimestamp(1_760_000_000, UTC)
    assert {part.name: (part.role, whole(part.source)) for part in found.parts} == {
        "kernel-1": ("kernel", KERNEL),
        "fdt-1": ("dtb", tree(BOARD)),
        "ramdisk-1": ("ramdisk", RAMDISK),
    }
    assert found.size == len(PLACES[case]) - (-len(RAMDISK) % 4 if case != "inside" else 0)
    assert header.facts["image.kernel-1"] == "kernel, arm64, linux, none, load 0x80000"
    assert header.facts["configuration"] == "conf-1"
    assert header.facts["configuration.conf-1"] == "kernel kernel-1, fdt fdt-1, ramdisk ramdisk-1"


def test_signatures_say_what_they_cover_and_by_which_key() -> None:
    found = opened("fit", fit())
    assert found.signatures == (
        Signature("fit", "rsa", 2048, "sha256", "image fdt-1"),
        Signature("fit", "rsa", 2048, "sha256", "configuration conf-1 with fdt-1 kernel-1"),  # not the ramdisk
    )
    assert found.header.facts["signature.configurations/conf-1/signature-1"] == "sha256,rsa2048, key dev"


CHANGED: dict[str, tuple[str, object, str]] = {
    "a digest of another kernel": ("images/kernel-1/data", KERNEL[:-1] + b"!", "its sha256 does not hold"),
    "a digest that is not known": ("images/kernel-1/hash-1/algo", text("blake2b"), "is not checked"),
    "a digest without a value": ("images/kernel-1/hash-1/value", None, "has no value"),
    "an image without data": ("images/ramdisk-1/data", None, "has no data"),
    "a signature that was never made": ("images/fdt-1/signature-1/value", None, "asks for a signature and holds none"),
}


@pytest.mark.parametrize("case", CHANGED)
def test_what_does_not_hold_is_said(case: str) -> None:
    path, value, problem = CHANGED[case]
    found = opened("fit", fit(change={path: dict(value) if isinstance(value, dict) else value}))
    assert problem in " ".join(found.problems)
    assert found.header.checksum is (case not in ("a digest of another kernel",))
    assert len(found.signatures) == (1 if "never made" in case else 2)


def test_one_that_is_encrypted_says_so() -> None:
    found = opened("fit", fit(change={"images/kernel-1/cipher": {"algo": text("aes256"), "key-name-hint": text("k")}}))
    assert found.header.encrypted and found.header.facts["cipher.kernel-1"] == "aes256"


def test_external_data_beyond_the_file_are_said() -> None:
    found = opened("fit", fit(external=True)[:-200])
    assert any("kernel" in problem or "fdt" in problem or "ramdisk" in problem for problem in found.problems)
    assert found.header.checksum is False


def test_ecdsa_and_other_algorithms() -> None:
    found = opened(
        "fit", fit(change={"images/fdt-1/signature-1/algo": text("sha256,ecdsa256"), "configurations/conf-1/signature-1/algo": text("x")})
    )
    assert [(one.algorithm, one.key_bits, one.digest) for one in found.signatures] == [("ecdsa", 256, "sha256"), (None, None, None)]


def test_many_images_over_the_same_bytes_are_paid_for() -> None:
    images = {
        f"i{number}": {"data-position": cell(0), "data-size": cell(1 << 20), "hash-1": {"algo": text("sha256"), "value": bytes(32)}}
        for number in range(200)
    }
    data = fit(change={"images": images}).ljust(1 << 20, b"\0")
    with pytest.raises(BudgetSpentError):
        opened("fit", data, budget=64 << 20)


def test_no_images() -> None:
    from plumbline.collect.firmware.formats.fit import FORMAT
    from plumbline.collect.firmware.source import Budget
    from tests.collect.firmware.formats.trying import source_of

    with pytest.raises(ProtocolError):
        FORMAT.open(source_of(tree(BOARD)), Budget())


SOURCE = """/dts-v1/;
/ { description = "made by mkimage"; #address-cells = <1>;
  images {
    kernel-1 { data = /incbin/("kernel"); type = "kernel"; arch = "arm64"; os = "linux"; compression = "none"; load = <0x80000>;
      entry = <0x80000>; hash-1 { algo = "sha256"; }; hash-2 { algo = "crc32"; }; };
    fdt-1 { data = /incbin/("board"); type = "flat_dt"; arch = "arm64"; compression = "none"; hash-1 { algo = "sha1"; };
      signature-1 { algo = "sha256,rsa2048"; key-name-hint = "dev"; }; };
  };
  configurations { default = "conf-1"; conf-1 { kernel = "kernel-1"; fdt = "fdt-1";
    signature-1 { algo = "sha256,rsa2048"; key-name-hint = "dev"; sign-images = "kernel", "fdt"; }; }; };
};
"""


@pytest.mark.system
@pytest.mark.parametrize("options", [(), ("-E",), ("-E", "-p", "0x10000")], ids=["inside", "behind", "at a place"])
def test_what_mkimage_made_and_signed(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "kernel").write_bytes(KERNEL)
    (tmp_path / "board").write_bytes(tree(BOARD))
    (tmp_path / "u-boot.dtb").write_bytes(tree({"model": text("u-boot")}))
    (tmp_path / "image.its").write_text(SOURCE)
    (tmp_path / "keys").mkdir()
    run("openssl", "genrsa", "-out", "keys/dev.key", "2048", cwd=tmp_path)
    run("openssl", "req", "-batch", "-new", "-x509", "-key", "keys/dev.key", "-out", "keys/dev.crt", "-subj", "/CN=dev", cwd=tmp_path)
    run("dtc", "-v")
    run("mkimage", "-f", "image.its", "-k", "keys", "-K", "u-boot.dtb", "-r", *options, "image.itb", cwd=tmp_path)
    data = (tmp_path / "image.itb").read_bytes()
    found = opened("fit", data)
    assert (found.header.name, found.header.checksum, found.problems) == ("made by mkimage", True, ())
    assert {part.name: whole(part.source) for part in found.parts} == {"kernel-1": KERNEL, "fdt-1": tree(BOARD)}
    assert [(one.algorithm, one.key_bits, one.covers) for one in found.signatures] == [
        ("rsa", 2048, "image fdt-1"),
        ("rsa", 2048, "configuration conf-1 with fdt-1 kernel-1"),
    ]
    trusted = opened("dtb", (tmp_path / "u-boot.dtb").read_bytes()).header.facts
    assert trusted["trusted_key.dev"] == "sha256,rsa2048, 2048 bits, required for conf"
