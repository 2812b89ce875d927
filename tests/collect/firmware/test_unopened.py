"""What cannot be opened is said for what it is, with its entropy, and what its header says of it; never passed over in silence."""

from __future__ import annotations

import gzip
import random
from dataclasses import dataclass

import pytest

from plumbline.model.words import Outcome
from tests.collect.firmware.formats.making_devicetree import fit, text
from tests.collect.firmware.formats.making_headers import gbl
from tests.collect.firmware.making import image
from tests.collect.firmware.told import told_of

RANDOM = random.Random(1).randbytes(300_000)
PROGRAM = b"\x12\x34\x56\x78ABCDabcd\0\0\0\x01" * 2_000
FILES = image({"/etc/passwd": b"root:*:0:0::/:/bin/sh\n"})


@dataclass(frozen=True)
class Case:
    """An image; what is said of the keys in it; and of one of its parts the state, what it is, and whether it is dense and encrypted."""

    data: bytes
    outcome: Outcome
    said: str
    path: str
    state: str
    title: str | None
    dense: bool | None
    encrypted: bool | None = None


CASES = {
    "encrypted from the first byte on": Case(
        RANDOM, Outcome.NOT_SUPPORTED, "8.00 bits of entropy a byte, as what is compressed or encrypted has", "", "unknown", None, True
    ),
    "a program of no known kind": Case(PROGRAM, Outcome.NOT_SUPPORTED, "data of no known kind, 3.", "", "unknown", None, False),
    "a format that is known and not read": Case(
        b"sqsh" + RANDOM, Outcome.NOT_SUPPORTED, "squashfs, big endian, 8.00 bits", "", "unknown", "squashfs, big endian", True
    ),
    "a header that says it": Case(
        gbl(kind=0x101), Outcome.NOT_SUPPORTED, "it says that it is encrypted", "", "opened", "Gecko boot loader file", None, True
    ),
    "an update package that says so of one file": Case(
        fit(change={"images/kernel-1/cipher": {"algo": text("aes256")}}),
        Outcome.NOT_SUPPORTED,
        "it says that it is encrypted",
        "",
        "opened",
        "FIT image",
        None,
        True,
    ),
    "a file system before something encrypted": Case(
        FILES + RANDOM,
        Outcome.PARTIAL,
        "data of no known kind, 7.98 bits of entropy a byte, as what is compressed or encrypted has; it was not opened",
        f"@{int.from_bytes(FILES[40:48], 'little'):#x}",
        "unknown",
        None,
        True,
    ),
    "what was decompressed and is nothing": Case(
        gzip.compress(RANDOM), Outcome.NOT_SUPPORTED, "data: data of no known kind, 8.00 bits", "data", "unknown", None, True
    ),
    "a broken one": Case(FILES[:100] + b"\xff" * 4000, Outcome.PROTOCOL_ERROR, "", "", "broken", "squashfs 4.0", False, False),
    "a blank one": Case(b"\xff" * 100_000, Outcome.NOT_SUPPORTED, "holds no files", "", "opened", "blank", False),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_said(case: str) -> None:
    wanted, told = CASES[case], told_of(CASES[case].data)
    assert any(outcome is wanted.outcome and wanted.said in said for outcome, said, tables in told.shorts if "image_key" in tables), (
        told.shorts
    )
    [part] = [row for row in told.rows["image_part"] if row["path"] == wanted.path]
    assert (part["state"], part["title"], part["encrypted"]) == (wanted.state, wanted.title, wanted.encrypted)
    assert (None if part["entropy"] is None else part["entropy"] > 7.9) == wanted.dense
    [whole] = told.rows["image"]
    assert whole["sha256"] and whole["size_bytes"] == len(wanted.data)


@pytest.mark.parametrize(
    ("behind", "hides_files"),
    [(RANDOM, True), (b"sqsh" + RANDOM, True), (FILES[:100] + b"\xff" * 200_000, True), (PROGRAM, False)],
    ids=["encrypted", "a file system that is not read", "a broken one", "a program of no known kind"],
)
def test_files_that_may_be_in_it_are_not_said_to_be_absent(behind: bytes, hides_files: bool) -> None:
    told = told_of(FILES + behind)
    assert told.rows["image_account"] and told.said_of("image_key")
    for table in ("image_account", "image_file", "image_update"):
        assert bool(told.said_of(table)) is hides_files, (table, told.shorts)


def test_an_encrypted_one_behind_a_header_is_judged_by_the_header() -> None:
    [part] = [row for row in told_of(gbl(kind=0x101)).rows["image_part"] if row["path"] == ""]
    assert (part["version"], part["vendor"], part["checksum_ok"]) == ("42", "Silicon Labs", True)
