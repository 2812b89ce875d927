"""Reassembly: order, repeats, wrapped numbers, gaps and caps; and a property that holds for every order of arrival."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plumbline.collect.traffic.tcp import MAX_WAITING, MAX_WAITING_BYTES_IN_ALL, Allowance, Place, Stream

DATA = bytes(range(200))


def stream(first: int = 1000, allowance: Allowance | None = None) -> tuple[Stream, Allowance]:
    made = Stream()
    made.open(first - 1, syn=True)
    return made, allowance or Allowance()


def feed(made: Stream, allowance: Allowance, *segments: tuple[int, bytes | None, int], first: int = 1000) -> list[bytes | None]:
    """Give segments of (offset, data, size); return the data that came out."""
    out: list[bytes | None] = []
    for number, (offset, data, size) in enumerate(segments):
        out += [chunk for chunk, _ in made.accept((first + offset) % 2**32, size, data, Place(number + 1, 0, 0), allowance)]
    return out


def part(start: int, end: int) -> tuple[int, bytes, int]:
    return start, DATA[start:end], end - start


def test_in_order() -> None:
    made, allowance = stream()
    assert feed(made, allowance, part(0, 10), part(10, 30)) == [DATA[:10], DATA[10:30]]
    assert not made.gap


def test_out_of_order() -> None:
    made, allowance = stream()
    assert feed(made, allowance, part(20, 30), part(10, 20), part(0, 10)) == [DATA[:10], DATA[10:20], DATA[20:30]]
    assert not made.gap
    assert allowance.waiting_bytes == 0


def test_sent_again_whole_and_in_part() -> None:
    made, allowance = stream()
    assert feed(made, allowance, part(0, 10), part(0, 10), part(5, 15), part(3, 7)) == [DATA[:10], DATA[10:15]]


def test_of_two_versions_the_first_counts() -> None:
    made, allowance = stream()
    assert feed(made, allowance, (0, b"aaaa", 4), (2, b"bbbb", 4)) == [b"aaaa", b"bb"]


def test_numbers_wrap() -> None:
    first = 2**32 - 15
    made, allowance = stream(first)
    assert feed(made, allowance, part(0, 10), part(20, 30), part(10, 20), first=first) == [DATA[:10], DATA[10:20], DATA[20:30]]
    assert made.next_seq == 15


def test_a_hole_that_is_never_filled() -> None:
    made, allowance = stream()
    assert feed(made, allowance, part(0, 10), part(20, 30)) == [DATA[:10]]
    assert [chunk for chunk, _ in made.finish(allowance)] == [None, DATA[20:30]]
    assert made.gap
    assert allowance.waiting_bytes == 0


def test_a_segment_that_the_capture_cut() -> None:
    made, allowance = stream()
    assert feed(made, allowance, (0, b"abc", 10), part(10, 12)) == [b"abc", None, DATA[10:12]]
    assert made.gap


def test_nobody_reads_but_gaps_are_found() -> None:
    made, allowance = stream()
    assert feed(made, allowance, (0, None, 10), (20, None, 10), (10, None, 10)) == []
    assert not made.gap
    feed(made, allowance, (50, None, 10))
    made.finish(allowance)
    assert made.gap


def test_too_many_that_wait() -> None:
    made, allowance = stream()
    out = feed(made, allowance, *((10 + 2 * number, b"x", 1) for number in range(MAX_WAITING + 1)))
    assert out[:2] == [None, b"x"]
    assert made.gap


def test_all_together_stay_below_their_cap() -> None:
    allowance = Allowance()
    streams = [stream(allowance=allowance)[0] for _ in range(2000)]
    for at in range(20):
        for made in streams:
            feed(made, allowance, (100 + at * 3000, bytes(1400), 1400))
            assert allowance.waiting_bytes <= MAX_WAITING_BYTES_IN_ALL + 2000
    for made in streams:
        made.finish(allowance)
    assert allowance.waiting_bytes == 0


def test_bytes_that_only_the_other_side_saw() -> None:
    made, allowance = stream()
    feed(made, allowance, part(0, 10))
    assert not made.missing(None)
    assert not made.missing(1010)
    assert not made.missing(1011)  # a FIN that was not captured
    assert not made.missing(500)
    assert made.missing(1500)


def test_joined_in_the_middle() -> None:
    made = Stream()
    made.open(5000, syn=False)
    assert made.late
    assert feed(made, Allowance(), part(0, 10), first=5000) == [DATA[:10]]


@given(st.lists(st.tuples(st.integers(0, 190), st.integers(1, 60)), max_size=40), st.integers(0, 2**32 - 1))
def test_any_arrival_gives_the_stream_in_order(spans: list[tuple[int, int]], first: int) -> None:
    made = Stream()
    made.open((first - 1) % 2**32, syn=True)
    allowance = Allowance()
    segments = [part(start, min(start + size, len(DATA))) for start, size in spans]
    out = feed(made, allowance, *segments, first=first)
    assert None not in out
    received = b"".join(chunk for chunk in out if chunk is not None)
    covered = {at for start, data, _ in segments for at in range(start, start + len(data))}
    expected = next((at for at in range(len(DATA)) if at not in covered), len(DATA))
    assert received == DATA[:expected]
    tail = made.finish(allowance)
    assert made.gap == bool(tail)
    assert allowance.waiting_bytes == 0
    assert made.waiting_bytes == 0
