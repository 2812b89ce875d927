"""Captures that somebody wrote to do harm: whatever the bytes, rows and coverage come out, and memory stays bounded."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from plumbline.collect.traffic.connections import MAX_CONNECTIONS
from plumbline.collect.traffic.facts import CAPS, Notes
from plumbline.collect.traffic.locality import Locality
from plumbline.collect.traffic.pcapfile import CaptureReader
from plumbline.collect.traffic.rows import RowMaker
from plumbline.collect.traffic.walk import Walk
from plumbline.evidence.parts import checked_row
from plumbline.evidence.specs import load_tables
from plumbline.model.errors import ProtocolError
from plumbline.rig.addresses import AddressSet
from tests.collect.collecting import REAL_DATA
from tests.collect.traffic.packets import DEVICE, SERVER, Talk, datagram, ethernet, ipv4, pcap, tcp, udp
from tests.collect.traffic.test_conversations import CREDENTIALS, answer, dhcp_message, question

MEMORY_MB = 300


def walk(data: bytes) -> Walk | None:
    """Read a capture and make its rows, as the collector does; None when it is no capture."""
    try:
        reader = CaptureReader(io.BytesIO(data))
    except ProtocolError:
        return None
    walked = Walk(Notes(lambda kind, secret: f"{kind} {secret!r}"), Locality(AddressSet()))
    assert walked.run(reader, lambda: True)
    for table, rows in RowMaker(walked.notes, walked.locality, "", str).all():
        for row in rows:
            checked_row(load_tables()[table], row)
    return walked


def seeds() -> list[list[bytes]]:
    talks = [talk.frames for talk, _ in CREDENTIALS.values()]
    query = question("a.example", 1)
    small = [
        datagram(DEVICE, 5000, SERVER, 53, query),
        datagram(SERVER, 53, DEVICE, 5000, answer(query)),
        datagram("0.0.0.0", 68, "255.255.255.255", 67, dhcp_message(1, 3, mac="02:00:00:00:00:01", options=b"\x0c\x03cam")),
    ]
    return [*talks, small]


def mutated(rng: random.Random, frames: list[bytes]) -> Iterator[bytes]:
    """Frames with bits flipped, cut, doubled, swapped, left out."""
    for frame in frames:
        change = rng.randrange(12)
        if change == 0:
            continue
        data = bytearray(frame)
        if change < 6:
            for _ in range(rng.choice((1, 1, 2, 8))):
                data[rng.randrange(len(data))] = rng.randrange(256)
        elif change == 6:
            del data[rng.randrange(len(data)) :]
        yield bytes(data)
        if change == 7:
            yield bytes(data)


def fuzz(rounds: int, seed: int) -> None:
    rng = random.Random(seed)
    talks = seeds()
    for _ in range(rounds):
        frames = list(mutated(rng, [frame for _ in range(3) for frame in rng.choice(talks)]))
        if rng.random() < 0.3:
            rng.shuffle(frames)
        data = bytearray(pcap(frames, snap=rng.choice((40, 60, 262_144, 262_144)), link=rng.choice((1, 1, 1, 1, 101, 113, 0, 276))))
        if rng.random() < 0.3:
            for _ in range(3):
                data[rng.randrange(len(data))] = rng.randrange(256)
        walk(bytes(data))


def test_mutated_conversations() -> None:
    fuzz(400, seed=20261121)


@pytest.mark.full
@pytest.mark.timeout(900)
def test_many_mutated_conversations() -> None:
    fuzz(40_000, seed=7)


def fuzz_files(rounds: int, seed: int) -> None:
    rng = random.Random(seed)
    files = [path.read_bytes() for path in sorted((REAL_DATA / "captures").glob("*.pcap*"))]
    for _ in range(rounds):
        data = bytearray(rng.choice(files))
        for _ in range(rng.choice((1, 10, 200))):
            data[rng.randrange(len(data))] = rng.randrange(256)
        walk(bytes(data))


needs_captures = pytest.mark.skipif(not (REAL_DATA / "captures").is_dir(), reason="the shared data folder is not beside this repository")


@needs_captures
def test_mutated_real_captures() -> None:
    fuzz_files(150, seed=3)


@needs_captures
@pytest.mark.full
@pytest.mark.timeout(900)
def test_many_mutated_real_captures() -> None:
    fuzz_files(20_000, seed=4)


def test_random_bytes_behind_a_good_header() -> None:
    rng = random.Random(5)
    for _ in range(50):
        walk(pcap([])[:24] + rng.randbytes(2000))
        walk(pcap([rng.randbytes(rng.randrange(120)) for _ in range(20)]))
        walk(pcap([ethernet(ipv4(DEVICE, SERVER, rng.choice((6, 17)), rng.randbytes(60))) for _ in range(20)]))


def test_more_connections_than_are_held() -> None:
    first = Talk(client_port=1, server="198.51.100.9").open().frames
    flood = [
        ethernet(ipv4(DEVICE, f"198.51.{number >> 8 & 127}.{number & 255}", 6, tcp(2000 + (number >> 15), 80, 1, 0, 2)))
        for number in range(40_000)
    ]
    walked = walk(pcap([*first, *flood]))
    assert walked is not None
    assert len(flood) > MAX_CONNECTIONS
    assert walked.connections.forced > 0
    assert sum(facts.connections for facts in walked.notes.flows.values()) == len(flood) + 1


def test_more_of_everything_than_is_kept() -> None:
    talk = Talk(port=21).open().hear(b"220 FTP\r\n").say(b"USER a\r\n")
    talk.say(*(b"PASS %d\r\n" % number for number in range(CAPS["clear_credential"] + 50)))
    walked = walk(pcap(talk.frames))
    assert walked is not None
    assert len(walked.notes.credentials) == CAPS["clear_credential"]
    assert walked.notes.dropped["clear_credential"] == 50


FLOODS = {
    "new connections": lambda number: ethernet(
        ipv4(f"172.{16 + number % 15}.{number >> 8 & 255}.{number & 255}", SERVER, 6, tcp(number & 65535, 80, 1, 0, 2))
    ),
    "new servers": lambda number: ethernet(
        ipv4(DEVICE, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 6, tcp(40_000, number % 65536, 1, 0, 2))
    ),
    "new names": lambda number: ethernet(
        ipv4(DEVICE, "8.8.8.8", 17, udp(number % 60_000 + 1024, 53, question(f"{number:032x}.example", 1)))
    ),
    "holes": lambda number: ethernet(
        ipv4(f"10.1.{number >> 8 & 63}.{number & 255}", SERVER, 6, tcp(9, 9, 1 + (number >> 14) * 3000, 1, 16, bytes(1400)))
    ),
}


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", FLOODS)
def test_memory_stays_bounded(name: str, tmp_path: Path) -> None:
    path = tmp_path / "flood.pcap"
    with path.open("wb") as stream:
        for start in range(0, 300_000, 10_000):
            data = pcap(FLOODS[name](number) for number in range(start, start + 10_000))
            stream.write(data if start == 0 else data[24:])
    script = (
        "import sys; from pathlib import Path; from plumbline.collect import traffic;"
        "from tests.collect.collecting import run; from tests.collect.traffic.capturing import rig_with;"
        "path = Path(sys.argv[1]); run(traffic.collect, rig_with(path.parent, path));"
        "from tests.memory import peak_bytes; print(peak_bytes())"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", script, str(path)], cwd=root, check=True, capture_output=True, text=True)
    assert int(done.stdout) < MEMORY_MB << 20
