"""Components equal the package database: of this machine's own Debian packages, and of images that real devices are started with.

The truth is told by dpkg-query, which reads the same databases and shares no code with ours.
"""

from __future__ import annotations

import gzip
import io
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.collect.firmware.told import Told, told_of

NETBOOT = Path("/usr/lib/debian-installer/images/12/armel")
NETBOOT_IMAGES = ("kirkwood/initrd.gz", "kirkwood/network-console/d-link/dns-320/netboot.img")
PROGRAMS = (
    "bash",
    "coreutils",
    "curl",
    "libssl3",
    "openssl",
    "openssh-server",
    "busybox-static",
    "zlib1g",
    "libc6",
    "python3.11-minimal",
    "dropbear-bin",
)
FILE_MAX = 8 << 20


def listed(admin: Path) -> list[tuple[str, str]]:
    """What dpkg-query lists as there, by name and version."""
    if shutil.which("dpkg-query") is None:
        pytest.skip("dpkg-query is not installed")
    form = "${db:Status-Status}\t${Package}\t${Version}\n"
    done = subprocess.run(["dpkg-query", "--admindir", str(admin), "-W", "-f", form], check=True, capture_output=True, text=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return sorted((name, version) for state, name, version in rows if state not in ("not-installed", "config-files"))


def told_packages(told: Told) -> list[tuple[str, str]]:
    return sorted((row["name"], row["version"]) for row in told.rows["component"])


@pytest.mark.system
def test_this_machines_own_packages() -> None:
    truth = listed(Path("/var/lib/dpkg"))
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for place in (
            *_paths("/var/lib/dpkg", "status"),
            *_paths("/var/lib/dpkg/info", "*.list"),
            *_paths("/usr/share/doc", "*/changelog.Debian.gz"),
        ):
            tar.add(place, place.relative_to("/"))
        tar.add("/usr/lib/os-release", "etc/os-release")
        for place in _programs():
            tar.add(place, place.relative_to("/"))
    told = told_of(archive.getvalue())
    assert told_packages(told) == truth  # nothing missed, and what programs say is what packages say
    assert told.said_of("component") == []
    mended = {row["name"]: row["fixes"] for row in told.rows["component"] if row["fixes"]}
    log = Path("/usr/share/doc/libssl3/changelog.Debian.gz")
    if log.exists():
        assert mended["libssl3"] == sorted(set(re.findall(r"\bCVE-\d{4}-\d{4,19}\b", gzip.decompress(log.read_bytes()).decode())))


@pytest.mark.full
@pytest.mark.system
@pytest.mark.parametrize("name", NETBOOT_IMAGES)
def test_netboot_images(name: str, tmp_path: Path) -> None:
    path = NETBOOT / name
    if not path.exists():
        pytest.skip("debian-installer-12-netboot-armel is not installed")
    status = subprocess.run(
        ["cpio", "-i", "--quiet", "--to-stdout", "var/lib/dpkg/status"], input=_initial_files(path), capture_output=True, check=True
    )
    (tmp_path / "status").write_bytes(status.stdout)
    (tmp_path / "updates").mkdir()
    (tmp_path / "info").mkdir()
    truth, told = listed(tmp_path), told_of(path.read_bytes())
    own = [(row["name"], row["version"]) for row in told.rows["component"] if row["manager"] == "dpkg"]
    assert len(truth) > 50 and sorted(own) == truth
    assert [row for row in told.rows["component"] if row["manager"] != "dpkg"] == []


def _paths(folder: str, pattern: str) -> list[Path]:
    return sorted(path for path in Path(folder).glob(pattern) if path.is_file() and not path.is_symlink())


def _programs() -> list[Path]:
    found: dict[Path, None] = {}
    for package in PROGRAMS:
        for place in _paths("/var/lib/dpkg/info", f"{package}*.list"):
            for line in place.read_text().splitlines():
                path = Path(line).resolve()
                if path.is_file() and path.stat().st_size < FILE_MAX and ("bin" in path.parts or ".so" in path.name):
                    found.setdefault(path)
    return list(found)


def _initial_files(path: Path) -> bytes:
    """Decompress the archive of initial files, which is the last gzip stream of an image."""
    data = path.read_bytes()
    return gzip.decompress(data[data.rindex(b"\x1f\x8b\x08") :]) if path.suffix == ".gz" else _last(data)


def _last(data: bytes) -> bytes:
    for match in reversed(list(re.finditer(rb"\x1f\x8b\x08", data))):
        try:
            unpacked = gzip.GzipFile(fileobj=io.BytesIO(data[match.start() :])).read(1 << 30)
        except (OSError, EOFError):
            continue
        if unpacked.startswith(b"07070"):
            return unpacked
    raise AssertionError("no initial files")
