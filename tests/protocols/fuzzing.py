"""The fuzz engine that every codec is held to (law 7): a value or `ProtocolError`, and nothing else.

A codec registers in its own test file: `FUZZ = [FuzzTarget("dns", dns.decode, [seed, ...])]`; `test_fuzz.py` finds it.
The name is the module's, with an optional `/part`. For a stream decoder the entry is `stream_entry(Decoder)`, which also
holds that any split of the bytes gives the same events. Every seed is tried as it stands before anything is mutated.

Half the inputs are random bytes; half are seeds that were mutated: bits flipped, lengths edited, parts spliced, cut,
repeated or overwritten with integers that break naive arithmetic. Inputs are capped in size, so time is too; a hang is
for the suite's own timeout to end. The same seed gives the same inputs.

`python -m tests.protocols.fuzzing N [module...]` fuzzes in a process of its own, as the branch measurement needs.
"""

from __future__ import annotations

import importlib
import pkgutil
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Literal, Protocol

import plumbline.protocols
from plumbline.model.errors import ProtocolError

MAX_INPUT = 2048  # most inputs: larger than any message header here, small enough for thousands a second
MAX_LARGE = 70_000  # one in LARGE_EVERY: past every 16-bit length
LARGE_EVERY = 1000
BYTES_OF_INTEREST = (0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 191, 192, 254, 255)
INTERESTING = (*BYTES_OF_INTEREST, *((1 << bits) + offset for bits in (8, 10, 12, 14, 15, 16, 31, 32, 63, 64) for offset in (-1, 0, 1)))
ORDERS: tuple[Literal["big", "little"], ...] = ("big", "little")


@dataclass(frozen=True, slots=True)
class FuzzTarget:
    """One way into a codec. `also` names further modules that this entry exercises, such as tables of numbers."""

    name: str
    entry: Callable[[bytes], object]
    seeds: Sequence[bytes]
    also: tuple[str, ...] = ()

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules of `plumbline.protocols` that this target answers for."""
        return (self.name.partition("/")[0], *self.also)


class FuzzError(AssertionError):
    """A codec broke law 7; the message holds the input, ready to become a test."""


class StreamDecoder(Protocol):
    """The shape of every stream codec."""

    def feed(self, data: bytes, /) -> Sequence[object]:
        """Take any part of the stream; return the events that it completed."""
        ...

    def end(self) -> Sequence[object]:
        """Take the end of the stream."""
        ...


def run_stream(decoder: StreamDecoder, parts: Iterable[bytes]) -> tuple[list[object], bool]:
    """Feed every part, then the end; return the events and whether it ended without `ProtocolError`."""
    events: list[object] = []
    try:
        for part in parts:
            events.extend(decoder.feed(part))
        events.extend(decoder.end())
    except ProtocolError:
        return events, False
    return events, True


def one_by_one(data: bytes) -> Iterator[bytes]:
    """Cut into single bytes."""
    return (data[at : at + 1] for at in range(len(data)))


def stream_entry(make: Callable[[], StreamDecoder]) -> Callable[[bytes], object]:
    """Make a fuzz entry of a stream decoder: fed whole, and cut in two or, when short, byte by byte, it must agree with itself."""

    def entry(data: bytes) -> object:
        whole, whole_ok = run_stream(make(), [data])
        if len(data) <= 64:
            parts = list(one_by_one(data))
        else:
            at = data[len(data) // 2] * len(data) // 256  # a cut that the input itself decides
            parts = [data[:at], data[at:]]
        split, split_ok = run_stream(make(), parts)
        assert whole_ok == split_ok, f"whole {'ends well' if whole_ok else 'fails'}, split does not: {data!r}"
        if whole_ok:
            assert whole == split, f"events differ by split: {data!r}"
        else:
            assert split[: len(whole)] == whole, f"events differ by split: {data!r}"
        return whole

    return entry


def assert_any_split(make: Callable[[], StreamDecoder], data: bytes) -> list[object]:
    """Hold one valid stream to its events byte at a time, and each of its beginnings to a prefix of them; return the events."""
    whole, ok = run_stream(make(), [data])
    assert ok, "the whole vector must be valid"
    single, ok = run_stream(make(), one_by_one(data))
    assert (single, ok) == (whole, True)
    for size in range(len(data)):
        cut, cut_ok = run_stream(make(), [data[:size]])
        assert cut_ok or cut == whole[: len(cut)], f"cut at {size}: {cut}"
    return whole


def assert_any_cut(decode: Callable[[bytes], object], data: bytes) -> None:
    """Hold every beginning of one valid message to a value or ProtocolError."""
    decode(data)
    for size in range(len(data)):
        try:
            decode(data[:size])
        except ProtocolError:
            continue


def _mutate_once(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    """Change `data` in place in one of ten ways."""
    if not data:
        data += rng.randbytes(rng.randint(1, 16))
        return
    at = rng.randrange(len(data))
    match rng.randrange(10):
        case 0:  # flip a bit
            data[at] ^= 1 << rng.randrange(8)
        case 1:  # overwrite a byte with a boundary
            data[at] = rng.choice(INTERESTING) & 0xFF
        case 2:  # overwrite a length field with a boundary
            width = rng.choice((1, 2, 3, 4, 8))
            value = rng.choice(INTERESTING) % (1 << 8 * width)
            data[at : at + width] = value.to_bytes(width, rng.choice(ORDERS))
        case 3:  # nudge a length field
            width = rng.choice((1, 2, 4))
            order = rng.choice(ORDERS)
            value = int.from_bytes(data[at : at + width], order) + rng.choice((-4, -2, -1, 1, 2, 4))
            data[at : at + width] = (value % (1 << 8 * width)).to_bytes(width, order)
        case 4:  # cut the tail
            del data[at:]
        case 5:  # cut the middle
            del data[at : at + rng.randint(1, 32)]
        case 6:  # insert a boundary
            width = rng.choice((1, 2, 4))
            data[at:at] = (rng.choice(INTERESTING) % (1 << 8 * width)).to_bytes(width, "big")
        case 7:  # repeat a part
            part = data[at : at + rng.randint(1, 64)]
            data[at:at] = part * rng.choice((1, 2, 3, 8, 32))
        case 8:  # splice with another seed
            other = rng.choice(seeds)
            data[at:] = other[rng.randrange(len(other) + 1) :]
        case _:  # insert noise, some of it text
            data[at:at] = rng.choice((rng.randbytes(rng.randint(1, 8)), b"\r\n", b"\x00", b"\xff", b" ", b":", b'"', b"-1", b"9" * 20))


def _inputs(seeds: Sequence[bytes], n: int, rng: random.Random) -> Iterator[bytes]:
    yield b""
    yield from seeds
    for number in range(n):
        cap = MAX_LARGE if number % LARGE_EVERY == LARGE_EVERY - 1 else MAX_INPUT
        if number % 2 == 0:
            size = rng.choice((rng.randint(0, 8), rng.randint(0, 64), rng.randint(0, 512)))
            yield rng.randbytes(cap if cap == MAX_LARGE else size)
            continue
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.choice((1, 1, 1, 2, 3, 5, 8))):
            _mutate_once(rng, data, seeds)
        if cap == MAX_LARGE and data:
            data *= cap // len(data) + 1
        yield bytes(data[:cap])


def fuzz_codec(entry: Callable[[bytes], object], seeds: Sequence[bytes], n: int, seed: int) -> int:
    """Try every seed and `n` made inputs; return how many gave a value.

    Raises FuzzError for the first input that gave neither a value nor `ProtocolError`.
    """
    if not seeds:
        raise ValueError("a codec needs at least one valid message as a seed")
    values = 0
    for data in _inputs(seeds, n, random.Random(seed)):
        try:
            entry(data)
        except ProtocolError:
            continue
        except Exception as error:  # the oracle: whatever else comes is the defect we look for
            shown = data if len(data) <= 512 else data[:512] + b"..."
            raise FuzzError(f"{type(error).__name__}: {error}; {len(data)} bytes: {shown!r}") from error
        values += 1
    return values


def codec_modules() -> list[str]:
    """Names of the modules of `plumbline.protocols`, shortest path to each."""
    return sorted(module.name for module in pkgutil.iter_modules(plumbline.protocols.__path__))


def is_codec(module: ModuleType) -> bool:
    """Whether a module holds code of its own rather than only tables and words."""
    own = (value for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__)
    return any(hasattr(value, "feed") if isinstance(value, type) else callable(value) for value in own)


def targets() -> list[FuzzTarget]:
    """Every target that the test files beside this one register."""
    found: list[FuzzTarget] = []
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if path.stem != "test_fuzz":
            module = importlib.import_module(f"{__package__}.{path.stem}")
            found.extend(getattr(module, "FUZZ", ()))
    return found


def main(arguments: Sequence[str]) -> None:
    """Fuzz the named modules' targets, or all of them, with N inputs each."""
    wanted = set(arguments[1:])
    for target in targets():
        if not wanted or wanted & set(target.modules):
            fuzz_codec(target.entry, target.seeds, int(arguments[0]), seed=1)


if __name__ == "__main__":
    main(sys.argv[1:])
