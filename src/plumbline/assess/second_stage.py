"""What is judged last: checks that ask what all the others found, over `provision_verdict`, a table made of their verdicts.

    first stage     every other check, into its part of the ledger
    then            OUT/derived/tables/provision_verdict, of the parts whose checks speak of a declared provision
    second stage    the checks that read that table

Rules: no verdict of the second stage enters the table, so nothing is judged by itself; the answers of the owner do not contradict each
other here, they are no evidence; what a capture or an import that was not read whole leaves open is left open of each asset; where nothing
is declared, there is one stage.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from plumbline.assess.answers import HAND
from plumbline.checks.registry import Registry
from plumbline.evidence.derived import DerivedWriter
from plumbline.evidence.engine import Connection, file_list, literal
from plumbline.evidence.specs import load_tables
from plumbline.model.words import Basis, Verdict

PACKAGE = "assess"
TABLE = "provision_verdict"


def cover(connection: Connection, write: DerivedWriter) -> None:
    """Cover the table where a declaration asks for it; it is made later, and always whole."""
    [[declared]] = connection.execute("select exists (from base.declaration)").fetchall()
    if declared:
        write.coverage(
            f"""
            select distinct entity, '{TABLE}' as "table", '' as subject, 'ok' as outcome, null as rows, null as detail
            from base.coverage where "table" = 'declaration' and starts_with(entity, 'rig:')
            """
        )


@dataclass(frozen=True)
class SecondStage:
    """The checks that wait for the others, and how their table is made."""

    registry: Registry

    @cached_property
    def checks(self) -> frozenset[str]:
        """Ids of the checks that wait."""
        return frozenset(name for name, shape in self.registry.shapes.items() if TABLE in shape.tables)

    def derive(self, connection: Connection, parts: Mapping[str, Path], write: DerivedWriter) -> None:
        """Write the table from the parts of those other checks that had anything to judge; rows of a part may still repeat a subject."""
        declared = {ref for (ref,) in connection.execute("select distinct provision from base.declaration where met <> 'no'").fetchall()}
        speaking = sorted(self._speaking(declared), key=lambda one: (one.check_id, one.provision, one.subject or ""))
        data = pa.Table.from_pylist([asdict(one) for one in speaking], schema=_SCHEMA)
        connection.register("speaking", data)
        write.table(TABLE, _rows_sql([parts[name] for name in dict.fromkeys(one.check_id for one in speaking) if name in parts]))
        connection.unregister("speaking")

    def _speaking(self, declared: Collection[str]) -> Iterator[_Speaking]:
        """Give which check speaks of which declared provision."""
        checks = [check for check in self.registry.checks.values() if check.id not in self.checks]
        for check in checks:
            spec = load_tables()[check.subjects]
            sources = [kind.value for kind in spec.kinds] if spec.in_passing else []
            yield from (_Speaking(check.id, None, ref, sources) for ref in check.provisions if ref in declared)
            if spec.names_provision and spec.basis is not Basis.DECLARED:
                yield from (_Speaking(check.id, ref, ref) for ref in declared)
                by_check = ((other.id, ref) for other in checks for ref in other.provisions if ref in declared)
                yield from (_Speaking(check.id, f"{HAND}{name}", ref) for name, ref in by_check)


@dataclass(frozen=True, slots=True)
class _Speaking:
    """A check speaks of a provision: by the verdicts of one subject, or, None, by all that it gives.

    What it could not judge of an asset of the kinds `sources` may be about any other asset.
    """

    check_id: str
    subject: str | None
    provision: str
    sources: Sequence[str] = ()


_SCHEMA = pa.schema([*((name, pa.string()) for name in ("check_id", "subject", "provision")), ("sources", pa.list_(pa.string()))])


def _rows_sql(files: Sequence[Path]) -> str:
    if not files:
        return "select null as entity, null as subject, null as sources where false"
    order = ", ".join(literal(word) for word in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_APPLICABLE))
    words = {"failed": Verdict.FAIL, "passed": Verdict.PASS, "inconclusive": Verdict.INCONCLUSIVE}
    counts = ", ".join(f"count(*) filter (verdict = '{word}') as {column}" for column, word in words.items())
    failed = f"verdict = '{Verdict.FAIL}'"
    first = "min(struct_pack(asset := asset, subject := subject, evidence := evidence))"
    found = f"{counts}, count(distinct asset) filter ({failed}) as failed_assets, ({first} filter ({failed})).evidence as sources"
    return f"""
      with said as (
        select l."check" as check_id, s.provision, l.asset, l.subject, l.verdict, l.evidence,
          l.verdict = '{Verdict.INCONCLUSIVE}' and list_contains(s.sources, split_part(l.asset, ':', 1)) as of_source
        from read_parquet([{file_list(files)}]) l
        join speaking s on s.check_id = l."check" and (s.subject is null or s.subject = l.subject)
        where l.verdict <> '{Verdict.NOT_APPLICABLE}'
      ), declared as (
        select distinct asset as about, provision, starts_with(asset, 'rig:') as of_rig from main.declaration where met <> 'no'
      )
      select asset as entity, provision as subject, check_id, provision, {found}
      from (
        select said.check_id, said.provision, d.about as asset, said.subject, min(said.verdict::enum({order})) as verdict,
          min(said.evidence) filter (said.verdict = '{Verdict.FAIL}') as evidence
        from (
          from said select *, asset as about
          union all
          select said.*, d.about from said join declared d on d.provision = said.provision and d.about <> said.asset where said.of_source
        ) said join (from declared where not of_rig) d using (provision, about)
        group by all
      )
      group by asset, provision, check_id
      union all
      select about as entity, provision as subject, check_id, provision, {found}
      from said join (from declared where of_rig) d using (provision)
      group by about, provision, check_id
    """
