"""How bad a vulnerability is, put together from everything that the reference data says of it.

Not whether anything has it (`matching`). Rules: of several vectors that of the numbering authority counts first, then the vendor's, NVD's,
and the rest; a vector that cannot be computed is none; one of version 2 gives a score and no vector; a record counts as taken back when
the CVE list or NVD says so, not when a tracker drops its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plumbline.evidence.engine import Connection
from plumbline.vulnerabilities.facts import State
from plumbline.vulnerabilities.scores import computed

_BY = ("cna", "vendor", "nvd", "adp", "osv", "coordinator")


@dataclass(frozen=True, slots=True)
class Threat:
    """One vulnerability; None is not known, and of `exploited` that no list of exploited ones was imported."""

    id: str
    void: bool = False
    disputed: bool = False
    cvss: str | None = None
    score: float | None = None
    exploited: bool | None = None
    ransomware: bool | None = None
    exploitation: str | None = None
    epss: float | None = None
    epss_percentile: float | None = None

    @property
    def urgency(self) -> tuple[bool, float, float, str]:
        """Sorts the most urgent first: known to be exploited, then by EPSS, then by score, then by name."""
        return not self.exploited, -(self.epss or 0.0), -(self.score or 0.0), self.id


def threats(connection: Connection, wanted: str, *, listed: bool) -> dict[str, Threat]:
    """Gather what is known of the vulnerabilities that a relation `wanted` lists in its column `id`.

    `listed`: a list of exploited ones was imported.
    """
    said: dict[str, list[Sequence[Any]]] = defaultdict(list)
    rows = connection.execute(
        f"""
        select v.id, v.source, v.state, v.cvss, v.score, v.scored_by, v.exploitation
        from reference.vulnerability v semi join {wanted} w on w.id = v.id order by all
        """
    ).fetchall()
    for row in rows:
        said[row[0]].append(row[1:])
    exploited = dict(
        connection.execute(
            f"select e.id, bool_or(e.ransomware) from reference.exploited e semi join {wanted} w on w.id = e.id group by e.id"
        ).fetchall()
    )
    predicted = {
        name: (probability, percentile)
        for name, probability, percentile in connection.execute(
            f"select p.id, max(p.probability), max(p.percentile) from reference.exploit_prediction p"
            f" semi join {wanted} w on w.id = p.id group by p.id"
        ).fetchall()
    }
    names = [name for (name,) in connection.execute(f"select id from {wanted} order by id").fetchall()]
    return {name: _threat(name, said.get(name, ()), exploited if listed else None, predicted.get(name, (None, None))) for name in names}


def _threat(
    name: str,
    said: Sequence[Sequence[Any]],
    exploited: Mapping[str, bool | None] | None,
    predicted: tuple[float | None, float | None],
) -> Threat:
    authorities = [state for source, state, *_ in said if source.partition(".")[0] in ("cve5", "nvd")]
    cvss, score = _vector([(by, vector, base) for _, _, vector, base, by, _ in said if vector is not None])
    return Threat(
        id=name,
        void=any(State(state).void for state in authorities),
        disputed=State.DISPUTED in authorities,
        cvss=cvss,
        score=score,
        exploited=None if exploited is None else name in exploited,
        ransomware=(exploited or {}).get(name),
        exploitation=next((word for *_, word in said if word is not None), None),
        epss=predicted[0],
        epss_percentile=predicted[1],
    )


def _vector(given: Iterable[tuple[str | None, str, float | None]]) -> tuple[str | None, float | None]:
    """Choose a vector of version 3.0 or later and its score; else the score of an older one."""
    ranked = sorted(given, key=lambda entry: (_BY.index(entry[0]) if entry[0] in _BY else len(_BY), entry[1]))
    for _, vector, _ in ranked:
        if vector.startswith("CVSS:") and (score := computed(vector)) is not None:
            return vector, score
    return None, next((base for _, _, base in ranked if base is not None), None)
