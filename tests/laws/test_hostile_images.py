"""Law 7, images: what is meant to break out of an unpacker, or to fill it, changes nothing outside and ends in a message, in little memory.

All images are read as an audit reads them, each by a worker of its own, in a process that tells how much memory the largest took.
"""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from plumbline.collect.firmware import collect
from plumbline.rig.models import Firmware
from tests.collect.collecting import rig_of, run
from tests.collect.firmware.formats import test_android_sparse, test_cpio, test_jffs2, test_tar, test_zip
from tests.collect.firmware.making import Node, image

ROOT = Path(__file__).parents[2]
MEMORY_MB = 400
OUTSIDE = b"canary:$1$abcdefgh$canarycanarycanaryca:0:0::/root:/bin/sh\n"  # a host's file that no image may make us read or write
DRIVER = """
import json, resource, sys
from pathlib import Path
from plumbline.collect.firmware import collect
from plumbline.rig.models import Firmware
from tests.collect.collecting import rig_of, run
folder = Path(sys.argv[1])
told = {}
for path in sorted(folder.glob("*.bin")):
    done = run(collect, rig_of(folder, firmware=(Firmware(path, None),)))
    told[path.stem] = [done.outcomes(), done.details(), done.everything()]
print(json.dumps([told, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10]))
"""
tar, member = test_tar.made, test_tar.member


@dataclass(frozen=True)
class Case:
    """An image that `make` gives for a path outside, and what must be said of it (nothing: it is harmless as it stands)."""

    make: Callable[[str], bytes]
    said: str
    table: str = "image_file"


def zipped(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def zipped_link(target: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, target)
        archive.writestr("link/file", b"through it")
    return out.getvalue()


def nested(wrap: Callable[[bytes], bytes], times: int, inner: bytes = b"the innermost " * 10) -> bytes:
    for _ in range(times):
        inner = wrap(inner)
    return inner


def many_in_each(levels: int) -> bytes:
    """An archive of ten archives of ten archives: as 42.zip is."""
    return nested(lambda inner: zipped(*((f"{number}.zip", inner) for number in range(10))), levels)


def squashfs_of_links(outside: str) -> bytes:
    return image(
        {
            "/etc/passwd": outside,
            "/etc/shadow": "../" * 50 + outside,
            "/etc/ssl": "/" + outside.rpartition("/")[0].strip("/"),
            "/a": "b",
            "/b": "a",
            "/here": ".",
            "/up": "..",
            "/itself": "itself/itself",
        }
    )


CASES: dict[str, Case] = {
    "tar with a name that leads up": Case(lambda outside: tar(member("../" * 40 + outside), member("ok")), "no name for a file"),
    "tar through a link": Case(
        lambda outside: tar(member("d", tarfile.SYMTYPE, outside.rpartition("/")[0]), member("d/outside")), "stands below what is no folder"
    ),
    "tar with a hard link outside": Case(lambda outside: tar(member("etc/passwd", tarfile.LNKTYPE, outside), member("ok")), "hard link"),
    "tar with devices": Case(
        lambda _: tar(member("dev/sda", tarfile.BLKTYPE), member("dev/mem", tarfile.CHRTYPE), member("pipe", tarfile.FIFOTYPE)), ""
    ),
    "cpio with a name that leads up": Case(
        lambda outside: test_cpio.archive(test_cpio.entry("../" * 40 + outside, content=b"x"), test_cpio.entry("ok")), "no name for a file"
    ),
    "zip with a name that leads up": Case(lambda outside: zipped(("../" * 40 + outside, b"x"), ("ok", b"")), "no name for a file"),
    "zip whose files lie in each other": Case(lambda _: test_zip.quoting(12), "lie in others"),
    "zip of zips of zips": Case(lambda _: many_in_each(4), "more than 1000 parts"),
    "squashfs with links to the host": Case(squashfs_of_links, ""),
    "squashfs with a terabyte of hole": Case(
        lambda _: image({"/hole": Node(b"", sparse=1 << 40)}), "only its first 64 MB were searched", "image_key"
    ),
    "gzip in gzip in gzip": Case(lambda _: nested(gzip.compress, 40), "deeper than"),
}
FURTHER: dict[str, Case] = {
    "tar with a name of the host": Case(lambda outside: tar(member(outside), member("ok")), ""),
    "tar with a link over itself": Case(
        lambda outside: tar(member("etc/passwd", tarfile.SYMTYPE, outside), member("etc/passwd", content=b"x:x:0:0::/:/bin/sh\n")), ""
    ),
    "tar with a terabyte of hole": Case(lambda _: test_tar.sparse(1 << 40, f"{(1 << 40) - 4},4"), "only its first 64 MB", "image_key"),
    "cpio with a device and a link": Case(
        lambda outside: test_cpio.archive(
            test_cpio.entry("dev/mem", test_cpio.S_DEVICE | 0o666),
            test_cpio.entry("etc", test_cpio.S_LINK | 0o777, outside.rpartition("/")[0].encode()),
            test_cpio.entry("etc/outside", content=b"x"),
        ),
        "stands below what is no folder",
    ),
    "zip with a link": Case(lambda outside: zipped_link(outside.rpartition("/")[0]), "stands below what is no folder"),
    "squashfs with names that are none": Case(lambda _: image({"/x": Node({"..": Node(b"1"), "a\0b": Node(b"2")}, 0o755)}), "no name"),
    "sparse image of a terabyte": Case(
        lambda _: test_android_sparse.sparse((0xCAC3, (1 << 28) - 1, b""), test_android_sparse.RAW), "no files", "image_key"
    ),
    "JFFS2 with a hole of four gigabytes": Case(
        lambda _: test_jffs2.FILE + test_jffs2.inode(2, 1, 0xFFFFFFFF, 0, b"", 1, 0xFFFFFFFF), "only its first 64 MB", "image_key"
    ),
    "tar in tar in tar": Case(lambda _: nested(lambda inner: tar(member("inner.tar", content=inner)), 40), "deeper than"),
}
BOMBS: dict[str, Case] = {
    "gzip of six gigabytes": Case(lambda _: gzip.compress(bytes(64 << 20)) * 100, "no real image"),
    "gzip of gzip of zeros": Case(lambda _: gzip.compress(gzip.compress(bytes(64 << 20)) * 2_000), "no real image"),
    "squashfs of a hundred terabytes": Case(
        lambda _: image({f"/hole{number}": Node(b"", sparse=1 << 40) for number in range(100)}), "only its first 64 MB", "image_key"
    ),
}


def read(folder: Path, cases: dict[str, Case]) -> tuple[dict[str, Any], int]:
    """Read the images of all cases; gives what was told of each, and the memory that the largest worker took, in MB."""
    for name, case in cases.items():
        (folder / f"{name}.bin").write_bytes(case.make(str(folder.parent / "outside")))
    answer = subprocess.run(
        [sys.executable, "-c", DRIVER, str(folder)], capture_output=True, text=True, cwd=ROOT, timeout=3000, check=False
    )
    assert answer.returncode == 0, answer.stderr
    told, memory = json.loads(answer.stdout)
    return told, memory


def hold(tmp_path: Path, cases: dict[str, Case]) -> None:
    folder, outside = tmp_path / "rig", tmp_path / "outside"
    folder.mkdir()
    outside.write_bytes(OUTSIDE)
    told, memory = read(folder, cases)
    assert memory < MEMORY_MB
    assert {path.name for path in tmp_path.iterdir()} == {"rig", "outside"} and outside.read_bytes() == OUTSIDE
    assert {path.name for path in folder.iterdir()} == {f"{name}.bin" for name in cases} | {path.name for path in folder.glob("bundle*")}
    assert not list(folder.glob("bundle*/.*"))  # no scratch folder is left
    wrong = {}
    for name, case in cases.items():
        outcomes, details, everything = told[name]
        if "canarycanary" in everything or "internal_error" in outcomes.values():
            wrong[name] = everything
        if case.said not in details.get(case.table, "") or (case.said and outcomes[case.table] == "ok"):
            wrong[name] = {"outcomes": outcomes, "details": details}
    assert wrong == {}


def test_nothing_gets_out_and_everything_ends_in_a_message(tmp_path: Path) -> None:
    hold(tmp_path, CASES)


def test_a_file_of_a_terabyte_that_is_a_hole(tmp_path: Path) -> None:
    path = tmp_path / "hole.bin"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    done = run(collect, rig_of(tmp_path, firmware=(Firmware(path, None),)))
    assert set(done.outcomes().values()) == {"not_supported"}
    assert set(done.details().values()) == {"hole.bin: 1024 GB, where images of up to 64 GB are read"}


@pytest.mark.full
def test_further_ways_out(tmp_path: Path) -> None:
    hold(tmp_path, FURTHER)


@pytest.mark.full
def test_bombs_end_with_the_budget(tmp_path: Path) -> None:
    hold(tmp_path, BOMBS)
