"""tar: files. What its headers say, and how, stands in `tar_reading`."""

from __future__ import annotations

from plumbline.collect.firmware.format import Format, Opened
from plumbline.collect.firmware.members import Members
from plumbline.collect.firmware.source import Budget, Source
from plumbline.collect.firmware.tar_reading import BLOCK, MAGIC, TarReader, add_all, check_header
from plumbline.model.errors import ProtocolError


def _recognises(source: Source) -> bool:
    try:
        check_header(source.some(0, BLOCK), 0)
    except ProtocolError:
        return False
    return True


def _open(source: Source, budget: Budget) -> Opened:
    members, reader = Members(budget), TarReader(source)
    add_all(reader.entries(), members)
    return Opened(files=members, size=min(reader.end, source.size), problems=(*reader.problems, *members.problems))


FORMAT = Format("tar", "tar archive", ((257, MAGIC),), _recognises, _open, embedded=True)
