"""Components of Debian-based images, against cve-bin-tool's scanner over the same files in the same run, and against the package database.

Two things are looked through: a root file system for armhf, unpacked from Debian's own packages (or given with `--root`), and the initial
files that a NAS is installed with (Debian's `debian-installer-12-netboot-armel`). Ours is the reader of images as a collection starts it,
from the start of its process to its last row, given the packed image: keys, accounts, programs and secrets are found on the way. The peer
is given the files unpacked, is asked for nothing but versions, and its start does not count. What is there is told by dpkg-query.

The peer's products are held against packages by their names, and by the names under which our table of strings knows them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.benchmark import Benchmark, Figure, Result, Unmeasurable
from benchmarks.measured.process import run
from plumbline.collect.firmware.component_strings import load_known

TIMES = 10.0
NETBOOT = Path("/usr/lib/debian-installer/images/12/armel/kirkwood/initrd.gz")
SUITE, ARCHITECTURE = "bookworm", "armhf"
INCLUDED = "dropbear-bin,busybox,mosquitto,lighttpd,dnsmasq,curl"
LISTED_MAX = 40
READER = (sys.executable, "-I", "-m", "plumbline.collect.firmware.worker")
# Runs in the peer's own Python. It would fetch SQLite's releases, and look packages of languages up in its database: that is left out.
_PEER = """
import json, logging, sys, time
import cve_bin_tool.version_signature as signature
signature.VersionSignatureDb.get_mapping_data = lambda self: []
from cve_bin_tool import version_scanner
version_scanner.valid_files = {}
scanner = version_scanner.VersionScanner(should_extract=True, logger=logging.getLogger("peer"))
began = time.perf_counter()
found = {(one.product_info.product, one.product_info.version) for one in scanner.recursive_scan(sys.argv[1]) if one}
print("\\n" + json.dumps({"seconds": time.perf_counter() - began, "found": sorted(found)}))
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing to look through: packed as one file for us, unpacked for the peer."""

    name: str
    image: Path
    folder: Path

    @property
    def megabytes(self) -> float:
        """The size of all files in it, links not followed."""
        return sum(path.lstat().st_size for path in self.folder.rglob("*") if path.is_file() and not path.is_symlink()) / 1e6


@dataclass(frozen=True, slots=True)
class Truth:
    """One package as dpkg-query lists it."""

    name: str
    version: str
    source: str


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to look through, and where the peer is."""
    parser.add_argument("--root", type=Path, help="an unpacked Debian root file system; default: one is made with debootstrap")
    parser.add_argument("--peer", default=shutil.which("cve-bin-tool"), help="the program cve-bin-tool (3.4); default: on the path")
    parser.add_argument("--without-peer", action="store_true", help="measure only our side")


def measure(options: argparse.Namespace) -> Result:
    """Look through all that there is; raises Unmeasurable without the peer, or with nothing to look through."""
    if not options.peer and not options.without_peer:
        raise Unmeasurable("cve-bin-tool is not installed: pip install cve-bin-tool==3.4 in an environment of its own, then --peer")
    if shutil.which("dpkg-query") is None:
        raise Unmeasurable("dpkg-query is not installed")
    figures: list[Figure] = []
    about: dict[str, object] = {}
    with TemporaryDirectory(prefix="plumbline-bench-") as folder:
        for subject in _subjects(Path(folder), options.root):
            figures += _measured(subject, None if options.without_peer else options.peer, Path(folder), about)
    if not figures:
        raise Unmeasurable("neither debootstrap nor debian-installer-12-netboot-armel is installed, and no --root is given")
    return Result("components of images against cve-bin-tool", tuple(figures), about)


def _subjects(work: Path, root: Path | None) -> Iterator[Subject]:
    if root is None and shutil.which("debootstrap") and os.geteuid() == 0:
        root = _made_root(work)
    if root is not None:
        image = work / "root.tar"
        with tarfile.open(image, "w") as tar:
            tar.add(root, ".")
        yield Subject("armhf root file system", image, root)
    if NETBOOT.exists() and shutil.which("cpio"):
        folder = work / "netboot"
        folder.mkdir()
        unpack = 'zcat "$0" | cpio --extract --make-directories --quiet --no-absolute-filenames 2>/dev/null'
        subprocess.run(["sh", "-c", unpack, NETBOOT], cwd=folder, check=False)  # device nodes are refused to all but root
        yield Subject("armel netboot image", NETBOOT, folder)


def _made_root(work: Path) -> Path | None:
    """Unpack a small system from Debian's packages, with the database that dpkg would have written; None where they cannot be fetched."""
    fetched, root = work / "fetched", work / "root"
    command = ["debootstrap", "--foreign", f"--arch={ARCHITECTURE}", "--variant=minbase", f"--include={INCLUDED}", SUITE, str(fetched)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        print("  Debian's packages cannot be fetched: no root file system is made")
        return None
    info = root / "var/lib/dpkg/info"
    info.mkdir(parents=True)
    for name in ("bin", "sbin", "lib"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    paragraphs = []
    for package in sorted((fetched / "var/cache/apt/archives").glob("*.deb")):
        files = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "--keep-directory-symlink", "-C", root], input=files, check=True)
        control = subprocess.run(["dpkg-deb", "-f", package], check=True, capture_output=True, text=True).stdout
        paragraphs.append("Status: install ok installed\n" + control)
        listed = subprocess.run(["tar", "-t"], input=files, check=True, capture_output=True).stdout.decode()
        name = control.partition("Package: ")[2].partition("\n")[0]
        (info / f"{name}.list").write_text("".join(f"{line.removeprefix('.').rstrip('/')}\n" for line in listed.splitlines()))
    (root / "var/lib/dpkg/status").write_text("\n".join(paragraphs))
    return root


def _measured(subject: Subject, peer: str | None, work: Path, about: dict[str, object]) -> list[Figure]:
    truth, size = _truth(subject.folder / "var/lib/dpkg"), subject.megabytes
    seconds, ours = _by_us(subject, work)
    told = {(one.name, one.version) for one in truth}
    missed, extra = sorted(told - ours), sorted(ours - told)
    about[f"{subject.name}: MB, packages"] = (round(size, 1), len(truth))
    about[f"{subject.name}: missed by us"], about[f"{subject.name}: extra of ours"] = missed[:LISTED_MAX], extra[:LISTED_MAX]
    if peer is None:
        speed = Figure(f"{subject.name}, speed", size / seconds, None, "MB/s")
        theirs: tuple[int, int] | None = None
    else:
        peer_seconds, found = _by_peer(subject, peer, work)
        ratio = peer_seconds / seconds
        goal = f"at least {TIMES:g} times faster"
        speed = Figure(f"{subject.name}, speed", size / seconds, size / peer_seconds, "MB/s", ratio, goal, ratio >= TIMES)
        named, strangers = held_against(found, truth)
        about[f"{subject.name}: not a package, by the peer"] = strangers[:LISTED_MAX]
        theirs = len(truth) - named, len(strangers)
    equal = "components equal the package database"
    return [
        speed,
        Figure(f"{subject.name}, packages missed", len(missed), theirs[0] if theirs else None, "", None, equal, not missed),
        Figure(f"{subject.name}, components that are no package", len(extra), theirs[1] if theirs else None, "", None, equal, not extra),
    ]


def _truth(admin: Path) -> list[Truth]:
    for name in ("info", "updates"):
        (admin / name).mkdir(exist_ok=True)
    form = "${db:Status-Status}\t${Package}\t${Version}\t${source:Package}\n"
    done = subprocess.run(["dpkg-query", "--admindir", admin, "-W", "-f", form], check=True, capture_output=True, text=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return [Truth(*row[1:]) for row in rows if row[0] not in ("not-installed", "config-files")]


def _by_us(subject: Subject, work: Path) -> tuple[float, set[tuple[str, str]]]:
    """Let a reader read it, as a collection starts one: from the start of its process to its last line."""
    words = {
        "file": str(subject.image),
        "scratch": str(work),
        "path": subject.image.name,
        "sha256": "0" * 64,
        "model": None,
        "key": "00" * 32,
    }
    asked = json.dumps({**words, "size_bytes": subject.image.stat().st_size}) + "\n"
    began = time.perf_counter()
    done = subprocess.run(READER, input=asked, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0 or lines[-1] != ["end"]:
        raise RuntimeError(f"the reader ended with {done.returncode}: {done.stderr[-500:]}")
    return seconds, {
        (columns["name"], columns["version"])
        for kind, *row in lines
        if kind == "row"
        for table, _, _, columns in [row]
        if table == "component"
    }


def _by_peer(subject: Subject, peer: str, work: Path) -> tuple[float, list[tuple[str, str]]]:
    python = Path(peer).read_text(encoding="utf-8", errors="replace").partition("\n")[0].removeprefix("#!").strip()
    home = work / "home"
    (home / ".cache/cve-bin-tool").mkdir(parents=True, exist_ok=True)
    ran = run([python, "-c", _PEER, subject.folder], log=work / "peer.log", environment={"HOME": str(home)})
    lines = (work / "peer.log").read_text(encoding="utf-8", errors="replace").splitlines()
    told = next((line for line in reversed(lines) if line.startswith('{"seconds"')), None)
    if ran.code != 0 or told is None:
        raise Unmeasurable(f"cve-bin-tool ended with {ran.code}: {ran.errors[-300:]}")
    said = json.loads(told)
    return said["seconds"], [(product, version) for product, version in said["found"]]


def held_against(found: list[tuple[str, str]], truth: list[Truth]) -> tuple[int, list[str]]:
    """Give how many packages the peer's products name, and the products that name none."""
    known = {one.cpe.partition(":")[2]: one.packages for one in load_known()}
    right: set[str] = set()
    strangers = []
    for product, version in found:
        names = {product, *known.get(product, ())}
        alike = {one.name for one in truth if names & {one.name, one.source, one.name.removesuffix("-udeb")} and version in one.version}
        right |= alike
        if not alike:
            strangers.append(f"{product} {version}")
    return len(right), strangers


BENCHMARK = Benchmark("components of Debian-based images against cve-bin-tool", arguments, measure)
