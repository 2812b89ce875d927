"""Headers, containers and kernels: each is told as itself and nothing else; what is cut or changed gives a value or ProtocolError."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from plumbline.collect.firmware.format import HEAD, Opened, identify, load_formats
from plumbline.collect.firmware.search import Search
from plumbline.collect.firmware.source import Budget, Source
from plumbline.collect.firmware.unpack import State, unpack
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.formats import making_android, making_devicetree, making_headers, making_packages
from tests.collect.firmware.formats.samples import ALL, OTHERS, SAMPLES, SMALL
from tests.collect.firmware.formats.trying import changed, opened, source_of

WHOLE_CUTS = 3_000  # bytes up to which a sample is cut at every byte


def check(found: Opened, source: Source) -> None:
    """Hold what opening gave to what the tables and the reader take."""
    header = found.header
    texts = [header.version, header.product, header.vendor, header.name, header.architecture, *header.hardware]
    texts += [text for pair in header.facts.items() for text in pair] + [part.name for part in found.parts]
    for text in texts:
        assert text is None or (isinstance(text, str) and text.isprintable() and len(text) <= 4096), text
    assert all(text for text in header.facts.values()) and len(header.facts) <= 2_000
    assert header.created_at is None or (isinstance(header.created_at, datetime) and header.created_at.tzinfo is not None)
    assert header.checksum in (None, True, False) and header.encrypted in (True, False)
    assert found.size is None or 0 <= found.size <= source.size
    assert all(one.verified in (None, True, False) and one.covers and one.scheme for one in found.signatures)
    assert all(problem and isinstance(problem, str) for problem in found.problems)
    for part in found.parts:
        part.source.some(0, 4096)
        part.source.read(max(0, part.source.size - 16), min(16, part.source.size))


def hostile(name: str, data: bytes, budget: int = 64 << 20) -> None:
    """Open bytes as a format whether it knows them or not."""
    source, each = source_of(data), load_formats()[name]
    each.recognises(source)
    try:
        found = each.open(source, Budget(budget))
    except ProtocolError:
        return
    check(found, source)


@pytest.mark.parametrize(("name", "case"), ALL)
def test_each_is_told_as_itself(name: str, case: str) -> None:
    data = SAMPLES[name][case]
    told = identify(source_of(data))
    assert told is not None and told.id == name
    found = opened(name, data)
    check(found, source_of(data))
    assert found.problems == ()


@pytest.mark.parametrize(("name", "case"), ALL)
def test_none_is_taken_for_another(name: str, case: str) -> None:
    """But a special case of something: a bundle begins as its squashfs does, a flash as its boot loader does."""
    data = SAMPLES[name][case]
    known = {each.id for each in load_formats().values() if any(data.startswith(magic, at) for at, magic in each.magics)}
    known = {each for each in known if load_formats()[each].recognises(source_of(data))}
    shared = {"rauc": {"squashfs"}, "swupdate": {"cpio"}, "mender": {"tar"}, "esp32_flash": {"esp32"}}
    assert known - shared.get(name, set()) == {name}


@pytest.mark.parametrize("case", OTHERS)
def test_what_is_none_of_them(case: str) -> None:
    source = source_of(OTHERS[case])
    assert not [name for name in SAMPLES if load_formats()[name].recognises(source) and case != "nothing" and _magic(name, source)]
    told = identify(source)
    assert told is None or told.id == case


def _magic(name: str, source: Source) -> bool:
    return any(source.some(at, len(magic)) == magic for at, magic in load_formats()[name].magics)


def test_random_bytes_are_none_of_them() -> None:
    """Ten megabytes: what only looks at the beginning sees 2,500 of them, what is searched for sees every one."""
    data = random.Random(4).randbytes(10 << 20)
    formats = [each for name, each in load_formats().items() if name in SAMPLES]
    for at in range(0, len(data), 4096):
        asked = [each for each in formats if any(data.startswith(magic, at + place) for place, magic in each.magics)]
        source = source_of(data[at : at + 4096])
        assert not [each.id for each in asked if each.recognises(source)]
    search = Search(source_of(data), 0, Budget(), lambda: False)
    assert [found.format.id for found in search.finds() if found.format.id in SAMPLES] == []


@pytest.mark.parametrize("name", SAMPLES)
def test_a_magic_before_random_bytes_is_not_enough(name: str) -> None:
    """What is searched for at any offset must hold more than its magic."""
    each, dice = load_formats()[name], random.Random(5)
    if not each.embedded:
        return
    for at, magic in each.magics:
        for _ in range(40):
            data = bytearray(dice.randbytes(8192))
            data[at : at + len(magic)] = magic
            source = source_of(bytes(data))
            if each.recognises(source):
                with pytest.raises(ProtocolError):
                    each.open(source, Budget())


@pytest.mark.parametrize("name", SAMPLES)
def test_every_cut_gives_a_value_or_a_protocol_error(name: str) -> None:
    data = SMALL[name]
    dice = random.Random(6)
    cuts = range(len(data)) if len(data) <= WHOLE_CUTS else [*range(0, 1024), *sorted(dice.sample(range(1024, len(data)), 150))]
    for cut in cuts:
        hostile(name, data[:cut])


@pytest.mark.full
@pytest.mark.parametrize(("name", "case"), ALL)
def test_every_cut_of_every_sample(name: str, case: str) -> None:
    data = SAMPLES[name][case]
    for cut in range(0, len(data), 1 + len(data) // 20_000):
        hostile(name, data[:cut])


@pytest.mark.parametrize("name", SAMPLES)
def test_changed_ones_give_a_value_or_a_protocol_error(name: str) -> None:
    for data in changed(SMALL[name], 100, 7):
        hostile(name, data)


@pytest.mark.full
@pytest.mark.parametrize("name", SAMPLES)
def test_many_changed_ones(name: str) -> None:
    cases = list(SAMPLES[name].values())
    for number, good in enumerate(cases):
        for data in changed(good, 20_000 // len(cases) + 1, 8 + number):
            hostile(name, data)


@pytest.mark.parametrize(("name", "case"), ALL)
def test_a_beginning_is_enough_to_tell(name: str, case: str) -> None:
    """Files in compressed file systems are told by their first bytes; a bundle by its end, and what has none of its own magic, are not."""
    data = SAMPLES[name][case]
    if len(data) <= HEAD or case == "vmlinux":
        return
    told = identify(source_of(data[:HEAD]))
    assert told is not None and told.id == name


EMBEDDED = [(name, case) for name, case in ALL if load_formats()[name].embedded]


@pytest.mark.parametrize(("name", "case"), EMBEDDED)
def test_found_behind_a_vendors_header_and_before_something_else(name: str, case: str) -> None:
    data = SAMPLES[name][case]
    around = random.Random(9).randbytes(5000)
    layers, _ = unpack(source_of(around + data + b"\xff" * 8192), Budget())
    found = {layer.source.place: layer for layer in layers if layer.path.count("!") == 0}
    layer = found.get(len(around))
    assert layer is not None and layer.format is not None and layer.format.id == name and layer.state is State.OPENED


MEMORY = """
import resource, sys
from plumbline.collect.firmware.format import load_formats
from plumbline.collect.firmware.source import Budget, Source
formats = load_formats()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    with open(path, "rb") as stream:
        formats[path.rpartition("/")[2]].open(Source.of_file(stream), Budget())
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""
LARGE: dict[str, Callable[[bytes], bytes]] = {
    "uimage": making_headers.uimage,
    "mcuboot": lambda data: making_headers.mcuboot("ec", data=data),
    "fit": lambda data: making_devicetree.fit(change={"images/kernel-1/data": data}),
    "swupdate": lambda data: making_packages.swu(making_packages.description(rootfs=data), rootfs=data),
    "rauc": making_packages.rauc_plain,
    "matter_ota": making_headers.matter,
    "android_boot": lambda data: making_android.with_footer(data, making_android.vbmeta(making_android.descriptor(data)), len(data) + 8192),
}


def test_large_ones_take_little_memory(tmp_path: Path) -> None:
    data = random.Random(1).randbytes(1 << 20) * 32
    for name, make in LARGE.items():
        (tmp_path / name).write_bytes(make(making_android.legacy() + data if name == "android_boot" else data))
    command = [sys.executable, "-c", MEMORY, *(str(tmp_path / name) for name in LARGE)]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[4], timeout=100, check=False)
    assert answer.returncode == 0, answer.stderr
    assert int(answer.stdout) < 24  # MB, of images of 32
