"""One supplied file on its way into a reader: as chunks of bytes, as one JSON text, or as lines of JSON.

Rules: bounded, whatever the file claims; a file that is too large, or not of its form, raises ProtocolError.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plumbline.collect import json_text
from plumbline.model.errors import ProtocolError

SIZE_MAX = 1 << 30  # read as a stream
JSON_MAX = 32 << 20  # read whole: of empty objects, thirty times as much in memory
LINE_MAX = 8 << 20
CHUNK = 64 << 10


class Source:
    """The file at a path."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def chunks(self) -> Iterator[bytes]:
        """Yield its bytes piece by piece."""
        if self._path.stat().st_size > SIZE_MAX:
            raise ProtocolError(f"larger than {SIZE_MAX >> 30} GB, which no results are")
        with self._path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                yield chunk

    def json(self) -> object:
        """Give its JSON value."""
        return json_text.read(self._path, JSON_MAX)

    def starts_with(self) -> str:
        """Give its first character that is no space; '' where its beginning holds none."""
        with self._path.open("rb") as stream:
            return stream.read(256).removeprefix(b"\xef\xbb\xbf").lstrip()[:1].decode("latin-1")

    def json_lines(self) -> Iterator[Any]:
        """Yield the value of each line that is not empty; a ProtocolError as the value of one that is not JSON."""
        with self._path.open("rb") as stream:
            number = 0
            while line := stream.readline(LINE_MAX + 1):
                number += 1
                if len(line) > LINE_MAX:
                    raise ProtocolError(f"line {number} is longer than {LINE_MAX >> 20} MB")
                if stream.tell() > SIZE_MAX:
                    raise ProtocolError(f"larger than {SIZE_MAX >> 30} GB, which no results are")
                if line.strip():
                    try:
                        yield json_text.parse(line)
                    except ProtocolError as error:
                        yield ProtocolError(f"line {number}: {error}")
