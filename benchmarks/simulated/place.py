"""Two network namespaces joined by a cable: the scanners on one side, the simulated site on the other. No other way leads out of either.

    scanner: aud0 10.20.0.1/16 ──── site: dev0 10.20.0.2/16, and every address of 10.20.1.0/24 and on

A cable, and not the loopback of one namespace: there nmap takes each target for its own machine, scans them one by one, and is slower than
it is in the field. The namespaces have no names and end with the processes that hold them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.benchmark import Unmeasurable
from benchmarks.simulated.site import hosts

BASE = "10.20"
TOOLS = ("ip", "unshare", "nsenter")
ROOT = Path(__file__).resolve().parents[2]
_SITE = """echo here; read ready
ip link set lo up && ip address add {base}.0.2/16 dev dev0 && ip link set dev0 up || exit 1
for net in {nets}; do ip route add local $net dev dev0 || exit 1; done
exec "{python}" -m benchmarks.simulated.servers {base} {count}
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a scanner is run: `prefix` is put before its command."""

    prefix: tuple[str, ...]
    base: str


@contextmanager
def simulated_site(count: int) -> Iterator[Place]:
    """Serve `count` hosts for as long as the block lasts; raises Unmeasurable where namespaces cannot be made."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise Unmeasurable(f"{', '.join(missing)} not found (util-linux, iproute2)")
    user = [] if os.geteuid() == 0 else ["--user"]
    with ExitStack() as stack:
        holder = _start(stack, "unshare", "--net", *(["--map-root-user"] if user else []), "sh", "-c", "echo held; read end")
        if _line(holder) != "held":
            raise Unmeasurable("no network namespace can be made here: it takes root, or user namespaces")
        prefix = ("nsenter", "--target", str(holder.pid), "--net", *(["--user", "--preserve-credentials"] if user else []))
        nets = " ".join(sorted({host.address.rpartition(".")[0] + ".0/24" for host in hosts(BASE, count)}))
        script = _SITE.format(base=BASE, nets=nets, python=sys.executable, count=count)
        site = _start(stack, *prefix, "unshare", "--net", "sh", "-c", script)
        if _line(site) != "here":
            raise Unmeasurable("no second network namespace can be made here")
        _cable(prefix, site.pid)
        _say(site, "ready")
        if _line(site) != "ready":
            raise Unmeasurable("the simulated site did not start")
        yield Place(prefix, BASE)


def _cable(prefix: tuple[str, ...], site: int) -> None:
    """Lay the cable between the two."""
    for words in (
        f"link add aud0 type veth peer name dev0 netns {site}",
        f"address add {BASE}.0.1/16 dev aud0",
        "link set aud0 up",
        "link set lo up",
    ):
        done = subprocess.run([*prefix, "ip", *words.split()], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unmeasurable(f"ip {words}: {done.stderr.strip()}")


def _start(stack: ExitStack, *command: str) -> subprocess.Popen[str]:
    """Start a process that ends with its standard input, at the latest with the block."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    stack.callback(_end, process)
    return process


def _end(process: subprocess.Popen[str]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _say(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdin is not None
    process.stdin.write(word + "\n")
    process.stdin.flush()
