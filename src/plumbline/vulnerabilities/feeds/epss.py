"""EPSS: how probable it is that a vulnerability is exploited within 30 days.

    #model_version:v2025.03.14,score_date:2026-11-20T12:00:00Z
    cve,epss,percentile
    CVE-1999-0001,0.01141,0.78037

Source: FIRST, EPSS data. The comment line is absent in files before 2022. All scores are made anew each day, so an import takes the place
of the last one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from plumbline.model.errors import ProtocolError
from plumbline.vulnerabilities.facts import Prediction, Record, Unread
from plumbline.vulnerabilities.feed import Feed, Read
from plumbline.vulnerabilities.reading import cve_of, moment_of

_DATE = re.compile(r"score_date:([0-9T:.+Z-]{10,40})")
_NUMBER = re.compile(r"(?:0(?:\.[0-9]{1,18})?|1(?:\.0{1,18})?|[0-9]\.[0-9]{1,18}[eE]-[0-9]{1,2})")
_COLUMNS = ("cve", "epss", "percentile")


def _read(lines: Iterable[str]) -> Read:
    dated_at = None
    columns: list[str] | None = None
    for number, line in enumerate(lines, 1):
        if line.startswith("#"):
            dated = _DATE.search(line)
            dated_at = moment_of(dated[1]) if dated else dated_at
        elif columns is None:
            columns = [word.strip().lower() for word in line.split(",")]
            if not set(_COLUMNS) <= set(columns):
                raise ProtocolError(f"line {number} does not name the columns {', '.join(_COLUMNS)}")
        elif line.strip():
            cells = dict(zip(columns, line.split(","), strict=False))
            cve, probability, percentile = (cells.get(name, "").strip() for name in _COLUMNS)
            if cve_of(cve) is None or not _NUMBER.fullmatch(probability) or not _NUMBER.fullmatch(percentile):
                yield Unread(f"line {number}", "is not a CVE id and two numbers from 0 to 1")
                continue
            yield Record(
                key=cve, dated_at=dated_at, predictions=(Prediction(id=cve, probability=float(probability), percentile=float(percentile)),)
            )


FEED = Feed("epss", "epss", "EPSS, by FIRST", "free to use with attribution to EPSS at first.org", whole=True, lines=_read)
