"""Device trees: the board, what the kernel is told without its secrets, and the keys that a boot loader trusts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.collect.firmware.formats.making_devicetree import BOARD, text, tree
from tests.collect.firmware.formats.trying import opened, run


@pytest.mark.parametrize("version", [16, 17])
def test_a_board(version: int) -> None:
    found = opened("dtb", tree(BOARD, version=version))
    header = found.header
    assert (header.product, header.vendor, header.hardware) == ("Northwind Cam 3", "northwind", ("northwind,cam-3", "vendor,soc"))
    assert header.facts == {
        "serial_number": "NW-0001",
        "bootargs": "console=ttyS0 wifi_psk=(secret) root=/dev/mtdblock2",
        "stdout_path": "serial0:115200n8",
        "trusted_key.dev": "sha256,rsa2048, 2048 bits, required for conf",
        "trusted_key.old": "sha1,rsa1024, not required",
    }
    assert found.parts == () and found.size == len(tree(BOARD, version=version))


def test_a_tree_that_says_nothing() -> None:
    header = opened("dtb", tree({})).header
    assert (header.product, header.vendor, header.hardware, header.facts) == (None, None, (), {})


def test_an_empty_property_and_a_wrong_size() -> None:
    header = opened("dtb", tree({"model": b"", "compatible": b"\0\0", "chosen": {"bootargs": b"\xff\xfe\0"}})).header
    assert (header.product, header.hardware) == (None, ())
    assert header.facts == {"bootargs": "\ufffd\ufffd"}


@pytest.mark.system
def test_what_dtc_compiled(tmp_path: Path) -> None:
    source = '/dts-v1/; / { model = "made by dtc"; compatible = "a,b", "c,d"; chosen { bootargs = "quiet"; }; node@1 { reg = <1>; }; };'
    (tmp_path / "b.dts").write_text(source)
    run("dtc", "-q", "-I", "dts", "-O", "dtb", "-o", "b.dtb", "b.dts", cwd=tmp_path)
    found = opened("dtb", (tmp_path / "b.dtb").read_bytes())
    assert (found.header.product, found.header.hardware, found.header.facts) == ("made by dtc", ("a,b", "c,d"), {"bootargs": "quiet"})


@pytest.mark.system
def test_what_is_written_here_is_what_dtc_reads(tmp_path: Path) -> None:
    (tmp_path / "b.dtb").write_bytes(tree(BOARD | {"empty": b"", "words": text("a", "b")}))
    out = run("dtc", "-q", "-I", "dtb", "-O", "dts", "b.dtb", cwd=tmp_path).decode()
    assert 'model = "Northwind Cam 3"' in out and 'words = "a\\0b"' in out and "key-dev {" in out
