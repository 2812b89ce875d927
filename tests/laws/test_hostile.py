"""Law 7, end to end: files that are meant to choke an auditor. They are read in bounded memory, and told of in the coverage.

Each is read by a process of its own, whose greatest memory the kernel tells; the large ones are for `make test-full`.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plumbline.collect.host.commands import load_commands
from plumbline.collect.host.kit import FORMAT
from plumbline.lab.files.frames import Say, Station, Wire
from plumbline.lab.files.squashfs import Node, write
from tests.laws import auditor
from tests.laws.bundles import coverage
from tests.net.rigs import rig_text

MEMORY_BYTES = 1 << 30
MB = 1 << 20
RIG = rig_text(networks=["127.62.0.1/32"], intrusion="passive")


@dataclass(frozen=True)
class Read:
    """How the reading of one file ended."""

    code: int
    said: str
    memory_bytes: int
    outcomes: dict[str, str]


def read(folder: Path, entry: str) -> Read:
    """Collect a rig that lists one file, in a child process; gives its exit code, its memory and the coverage."""
    (folder / "rig.toml").write_text(RIG + entry)
    child = auditor.start(folder, "collect", str(folder / "rig.toml"), "-o", str(folder / "bundle"))
    assert child.stdout is not None
    said = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    found = {row["table"]: row["outcome"] for row in coverage(folder / "bundle")}
    return Read(child.returncode, said, used.ru_maxrss * 1024, found)


def in_chunks(path: Path, chunks: Iterator[bytes]) -> Path:
    with path.open("wb") as file:
        file.writelines(chunks)
    return path


def one_json_line(folder: Path, size: int) -> str:
    """An export whose one line never ends."""
    block = b"a" * MB
    in_chunks(folder / "devices.jsonl", (b'{"deviceId": "' if n == 0 else block for n in range(size // MB + 1)))
    return '[[hub]]\nkind = "azure-iot-hub"\ndevices = "devices.jsonl"\n'


def many_json_lines(folder: Path, size: int) -> str:
    """An export of lines that are short, and each as deep or as wrong as can be."""
    lines = (
        b"".join([b"[" * 500 + b"\n", b'{"deviceId": {}}\n', b"\xff\xfe\n", b'{"deviceId": "' + b"x" * 300 + b'"}\n', b"}\n" * 50]) * 100
    )
    in_chunks(folder / "devices.jsonl", (lines for _ in range(size // len(lines))))
    return '[[hub]]\nkind = "azure-iot-hub"\ndevices = "devices.jsonl"\n'


def capture(folder: Path, size: int) -> str:
    """A capture of one conversation, over and over."""
    wire = Wire(datetime(2026, 11, 1, tzinfo=UTC))
    ends = (Station("10.9.0.2", "02:00:00:00:00:02"), Station("10.9.0.3", "02:00:00:00:00:03"))
    wire.tcp(*ends, 80, [Say(True, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), Say(False, b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 60_000)])
    whole = wire.pcap()
    body = whole[24:] * 16
    in_chunks(folder / "c.pcap", (whole[:24] if n == 0 else body for n in range(size // len(body) + 1)))
    return '[[capture]]\npath = "c.pcap"\n'


def strangers(folder: Path, size: int) -> str:
    """A capture in which every packet opens a connection between two addresses that nobody has seen."""
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    syn = bytes.fromhex("0000000050020000000000000000")[:12]

    def packets() -> Iterator[bytes]:
        yield head
        for block in range(size // 70 // 4096):
            found = bytearray()
            for n in range(block * 4096, (block + 1) * 4096):
                ip = struct.pack(
                    "!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0, struct.pack("!I", 0x0A000000 + n), struct.pack("!I", 0x0B000000 + n)
                )
                tcp = struct.pack("!HHI", 1024 + n % 60000, 80, n) + syn
                frame = bytes(12) + b"\x08\x00" + ip + tcp
                found += struct.pack("<IIII", 1_700_000_000, n & 0xFFFFF, len(frame), len(frame)) + frame
            yield bytes(found)

    in_chunks(folder / "c.pcap", packets())
    return '[[capture]]\npath = "c.pcap"\n'


def empty_records(folder: Path, size: int) -> str:
    """A capture of nothing but the heads of empty packets, which a sparse file holds for free."""
    path = folder / "c.pcap"
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    os.truncate(path, size)
    return '[[capture]]\npath = "c.pcap"\n'


def bomb(folder: Path, size: int) -> str:
    """A firmware image that is tiny until it is read."""
    content = b"-----BEGIN RSA PRIVATE KEY-----" + b"A" * (16 * MB)
    nodes = [Node(f"/etc/{n}.conf", 0o600, content) for n in range(size // len(content))]
    (folder / "fw.squashfs").write_bytes(write(nodes, datetime(2026, 11, 1, tzinfo=UTC)))
    return '[[firmware]]\npath = "fw.squashfs"\n'


def hostkit(folder: Path, size: int) -> str:
    """What hostkit would never write: every command to its limit, with lines that are short, deep or all alike."""
    lines = {
        "dpkg": b"|install ok installed\tp%d\t1\tarm\tone\t1\t\n",
        "changelogs": b"|p%d CVE-2024-%07d\n",
        "iptables": b"|-A C%d -j C%d\n",
        "nft": b"|table ip x%d { } {\n",
        "passwd": b"|u%d\tshadow\t0\t0\t\n",
        "sockets": b"|socket tcp 00000000:%04X 0 %d\n",
        "systemd": b"|Id=%d\n|\n",
    }

    def chunks() -> Iterator[bytes]:
        yield f"{FORMAT}\nby 0.1.0, at 2026-11-01T00:00:00Z, as 0\n@ shell\n|plumbline 42 0\n|=0\n".encode()
        for command in load_commands().values():
            line = lines.get(command.id, b"|a\n")
            yield b"@ %s\n" % command.id.encode()
            yield b"|order l\n" if command.id == "sockets" else b"|*filter\n|:INPUT ACCEPT\n|:FORWARD ACCEPT\n|-A INPUT -j C0\n"
            count = min(command.cap_bytes, size // 32) // len(line)
            yield from (line % tuple(range(n, n + line.count(b"%"))) for n in range(count))
            yield b"|=0\n"
        yield b"end\n"

    in_chunks(folder / "kit.txt", chunks())
    return '[[hostkit]]\npath = "kit.txt"\n'


CASES: dict[str, tuple[Callable[[Path, int], str], int, int, str]] = {  # made by, size in MB: quick, full; a table that it fills
    "a JSON line without an end": (one_json_line, 96, 1024, "hub_identity"),
    "JSON lines that are all wrong": (many_json_lines, 4, 64, "hub_identity"),
    "a large capture": (capture, 24, 2048, "capture"),
    "a capture of strangers": (strangers, 1, 96, "capture"),
    "a capture of empty packets": (empty_records, 4, 256, "capture"),
    "a hostkit file to its limits": (hostkit, 1, 256, "component"),
    "an image that grows when it is read": (bomb, 64, 2560, "image"),
}


@pytest.mark.parametrize("full", [False, pytest.param(True, marks=[pytest.mark.full, pytest.mark.timeout(1800)])], ids=["quick", "full"])
@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file(tmp_path: Path, name: str, full: bool) -> None:
    make, quick_mb, full_mb, table = CASES[name]
    found = read(tmp_path, make(tmp_path, (full_mb if full else quick_mb) * MB))
    assert found.code == 0, found.said
    assert found.memory_bytes < MEMORY_BYTES
    assert found.outcomes[table] in ("ok", "partial", "protocol_error")
    assert "internal_error" not in found.outcomes.values()


WRONG = """
[rig]
id = "Nort hwind"
name = ""
owner = 7
colour = "red"

[authorisation]
reference = "NW-1"
granted_by = "Head"
emergency_contact = "+44"
valid_from = 2026-11-01T00:00:00Z
valid_until = "tomorrow"
networks = ["10.20.0.0/33", "8.8.8.0/24"]
intrusion = "gently"
exchanges_per_second = 0
windows = [{ days = ["someday"], from = "25:00", to = "05:00", timezone = "Mars/Base" }]
resolvers = ["dns.example"]
hosts = ["10.0.0.1"]

[[network]]
name = "one"
ranges = ["10.20.1.0/24"]
ports = [0, 70000, "ftp?"]
[[network]]
name = "one"
ranges = ["10.20.1.128/25"]
ports = [80]

[[capture]]
path = "nowhere/*.pcap"
[[asset]]
id = "cam"
name = "cam"
address = "10.20.1.999"
mac = "24:a4"
class = "big"
"""


def test_a_rig_file_with_everything_wrong(tmp_path: Path) -> None:
    """One run tells of every mistake, each by its line and key, and nothing is made of it."""
    path = tmp_path / "rig.toml"
    path.write_text(WRONG)
    end = auditor.ended(auditor.start(tmp_path, "collect", str(path), "-o", str(tmp_path / "bundle")))
    assert end.code == 2
    assert "Traceback" not in end.said
    lines = WRONG.split("\n")
    keys = ["id", "colour", "valid_until", "intrusion", "exchanges_per_second", "resolvers", "hosts", "mac", "class", "path"]
    for key in keys:
        numbers = [number for number, line in enumerate(lines, 1) if line.startswith(f"{key} =")]
        assert any(f"rig.toml:{number}: " in end.said for number in numbers), f"{key}: {end.said}"
    assert not (tmp_path / "bundle").exists()


NO_RIGS = {"not text": b"\xff\xfe\x00", "cut": b"[rig\n", "nested": b"a = " + b"[" * 50_000, "empty": b"", "zeros": b"\0" * 100}


@pytest.mark.parametrize("data", NO_RIGS.values(), ids=NO_RIGS.keys())
def test_what_is_no_rig_file_at_all(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "rig.toml").write_bytes(data)
    end = auditor.ended(auditor.start(tmp_path, "rig", "check", str(tmp_path / "rig.toml")))
    assert end.code == 2, end.said
    assert "rig.toml" in end.said and "Traceback" not in end.said
