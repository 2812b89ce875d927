"""One lab for all tests of the lab: weak twins weak, hardened twins safe, on addresses that no other test process uses."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from plumbline.lab.fleet import Device
from plumbline.lab.lab import Lab, running

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)  # certificates are relative to it; nothing here compares with the machine's clock


def free_base(offset: int = 0) -> str:
    """Two octets of 127.0.0.0/8 for this process."""
    return f"127.{100 + (os.getpid() + offset) % 100}"


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with running(at=AT, base=free_base()) as started:
        yield started


class Twins:
    """Gives devices of the running lab by name."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def __getitem__(self, name: str) -> Device:
        return self._lab.fleet.by_name[name]


@pytest.fixture(scope="session")
def devices(lab: Lab) -> Twins:
    return Twins(lab)
