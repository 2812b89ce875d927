"""Reads out of the ledger what was said of each provision, by asset: SQL over all of it, folded until Python sees only what differs.

Not the rule (`conformance`). Rows of a check become one entry for each asset; assets of which every entry is alike become one pattern; and
of a provision only the different answers of patterns come out, each with the number of its assets. So a million like devices cost no more
Python than one.

What people said of a provision has the provision's ref as its subject, `<standard>/<id>`. A test by hand of what a check asks, subject
`check/<id>`, stands where that check could not judge; one of the rig for all its assets, and where it frees them it is lent: it frees
nothing by itself but what is asked of the rig. A fail that a review calls false is set apart, and stands for nothing. What a check leaves
open of a source that was not read whole, such as a capture, is left open of every asset, but where a test by hand of what it asks tells
of the asset itself: the rest of it may tell of any.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.assess.asked import ASKED
from plumbline.assess.conformance import REASONS, SILENCE, Answers, Judged, Reason, Told
from plumbline.evidence.engine import Connection, literal
from plumbline.model.words import Basis, EntityKind, Verdict
from plumbline.standards.standard import AskedOf, Provision

MANUAL = "rig.manual_test_failed"
DECLARED = "rig.provision_declared_unmet"
CELLS = 1_000_000  # what is said of a provision by a pattern; so many are made at a time, which bounds their memory
HAND = "check/"  # how a test by hand names the check whose question it answers
_FLAGS = ("false_positive", "absent")
_ANSWERS = ("failed", "false_positive", "unjudged", "passed", "absent", "manual", "declared")
_JUDGED: Mapping[str, pa.DataType] = {
    **{"n": pa.int32(), "asked": pa.bool_()},
    **{name: pa.bool_() if name in _FLAGS else pa.string() for name in _ANSWERS},
    **{"verdict": pa.string(), "reason": pa.string(), "basis": pa.string(), "checks": pa.list_(pa.string())},
}
FILE_SCHEMA = pa.schema(
    [*((name, pa.string()) for name in ("provision", "asset", "verdict", "reason", "basis")), ("checks", pa.list_(pa.string()))]
)
BATCH_ROWS = 50_000
_PEOPLE = f"\"check\" in ('{MANUAL}', '{DECLARED}')"
_OF_RIG = f"starts_with(asset, '{EntityKind.RIG.value}:')"
# What an asset is; an identity that is not in `asked` is known to a hub alone.
_FLAGS_SQL = (
    f"coalesce(a.device, starts_with(l.asset, '{EntityKind.IDENTITY.value}:')) as device, coalesce(a.gateway, false) as gateway,"
    " coalesce(a.cloud, false) as cloud"
)
_REF = "\"check\" || '|' || subject"  # a provision's ref beside who spoke of it, as in the table `named`


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of one provision: of assets, by those that were told alike, and by people of the rig as a whole."""

    told: tuple[Told, ...]
    rig: Answers

    @property
    def asked(self) -> int:
        """How many assets were asked and spoken of."""
        return sum(one.assets for one in self.told if one.asked)


class LedgerAnswers:
    """What one ledger says of provisions, which go by their place in the list.

    `named` are the checks that name each, by its ref; `false_positive` is an expression over a row of the view `ledger`; `sources` tells
    of checks at which kinds of asset that which they leave open may be about any other. The tables `asked` and `listed` must be there.
    """

    def __init__(
        self,
        connection: Connection,
        provisions: Sequence[Provision],
        named: Mapping[str, Sequence[str]],
        false_positive: str,
        sources: Iterable[tuple[str, str]] = (),
    ) -> None:
        self._connection = connection
        self._provisions = provisions
        self._places = {provision.ref: n for n, provision in enumerate(provisions)}
        self._wrong = f"(verdict = '{Verdict.FAIL}' and coalesce({false_positive}, false))"
        rows = [
            {"what": what, "n": n, "per": provision.per.value}
            for n, provision in enumerate(provisions)
            for what in (*named.get(provision.ref, ()), f"{MANUAL}|{provision.ref}", f"{DECLARED}|{provision.ref}")
        ]
        self._table("named", rows, {"what": pa.string(), "n": pa.int32(), "per": pa.string()})
        self._table("source", [{"what": what, "kind": kind} for what, kind in sources], {"what": pa.string(), "kind": pa.string()})

    def by_people(self) -> list[Said]:
        """Give what people alone said; all that is read of a ledger that is too large to fold."""
        told: dict[int, list[Told]] = defaultdict(list)
        for n, answers in self._people(f"not {_OF_RIG}"):
            told[n].append(Told(answers, asked=False, assets=1))
        fails = self._connection.execute(
            f"select n.n, l.wrong from {self._hand_sql()} l join named n on n.what = l.what where verdict = '{Verdict.FAIL}' order by all"
        ).fetchall()
        for n, wrong in fails:
            told[n].append(Told(Answers(failed=None if wrong else Basis.MANUAL, false_positive=wrong), asked=False, assets=1))
        rig = self._of_the_rig()
        return [Said(tuple(told[n]), rig[n]) for n in range(len(self._provisions))]

    def by_asset(self) -> list[Said]:
        """Give what was said of each provision."""
        self._fold()
        told: dict[int, list[Told]] = defaultdict(list)
        for some in self._chunks("first"):
            rows = self._connection.execute(
                f"""
                select n, {_asked_sql("c", "a")} as asked, {", ".join(_ANSWERS)}, sum(assets)::bigint as assets
                from ({_cells_sql(some)}) c join alike a using (pattern) group by all order by all
                """
            ).fetchall()
            for n, asked, failed, false_positive, unjudged, passed, absent, manual, declared, assets in rows:
                answers = Answers(
                    failed=Basis(failed) if failed else None,
                    false_positive=false_positive,
                    unjudged=unjudged,
                    passed=Basis(passed) if passed else None,
                    absent=absent,
                    manual=Verdict(manual) if manual else None,
                    declared=Verdict(declared) if declared else None,
                )
                told[n].append(Told(answers, asked, assets))
        rig = self._of_the_rig()
        return [Said(tuple(told[n]), rig[n]) for n in range(len(self._provisions))]

    def write(
        self,
        file: Path,
        whole: Sequence[tuple[Judged, Sequence[str]]],
        judged: Iterable[tuple[int, Told, Judged]] | None,
        silence: Sequence[Judged],
    ) -> None:
        """Write what became of each provision: `whole` over the rig, with the checks that spoke, and of each asset in the table `listed`.

        Provisions must stand in the order of their refs, which is the file's. After `by_asset`, `judged` is what the answers came to, and
        `silence` what those assets come to of which nothing was said; `judged` None leaves the assets out.
        """
        provisions = [{"n": n, "ref": provision.ref, "per": provision.per.value} for n, provision in enumerate(self._provisions)]
        self._table("provision", provisions, {"n": pa.int32(), "ref": pa.string(), "per": pa.string()})
        self._table("whole", [{**_row(n, one), "checks": list(checks)} for n, (one, checks) in enumerate(whole)], _JUDGED)
        found, chunks = _WHOLE_SQL, ["true"]
        if judged is not None:
            self._table("judged", [{**_told_row(told), **_row(n, one)} for n, told, one in judged], _JUDGED)
            self._table("silence", [_row(n, one) for n, one in enumerate(silence)], _JUDGED)
            run = self._connection.execute
            run(
                f"create or replace temp table flagged as select l.asset, {_FLAGS_SQL} from listed l left join asked a on a.asset = l.asset"
            )
            run("create or replace temp table shown as select distinct pattern from pattern p semi join listed l on l.asset = p.asset")
            found, chunks = f"{_WHOLE_SQL} union all {_LISTED_SQL} union all {_SILENT_SQL}", self._chunks("flagged")
        with pq.ParquetWriter(file, FILE_SCHEMA, compression="zstd") as writer:
            for some in chunks:
                if judged is not None:
                    cells = _cells_sql(f"{some} and pattern in (from shown)")
                    self._connection.execute(f"create or replace temp table cell as {cells}")
                rows = f"({found.replace(_SOME, some)}) f join provision r on r.n = f.n order by r.ref, f.asset"
                reader = self._connection.sql(f"select r.ref as provision, f.* exclude (n) from {rows}").to_arrow_reader(BATCH_ROWS)
                for batch in reader:
                    writer.write_batch(batch.cast(FILE_SCHEMA))
        file.chmod(0o600)

    def _chunks(self, table: str) -> list[str]:
        """Split the provisions, so that each part has at most CELLS cells with the rows of a table."""
        [[rows]] = self._connection.execute(f"select count(*) from {table}").fetchall()
        size = max(1, CELLS // max(1, rows))
        return [f"n >= {first} and n < {first + size}" for first in range(0, len(self._provisions), size)]

    def _fold(self) -> None:
        run = self._connection.execute
        run(f"create or replace temp table entry as {self._entries_sql()}")
        run(
            f"""
            create or replace temp table gap as
            select n, list(distinct struct_pack(place := {_place_sql("unjudged")}, reason := unjudged, what := what)) as gaps
            from entry join named using (what) join source using (what)
            where kind = split_part(asset, ':', 1) and unjudged is not null group by n
            """
        )
        # An asset has one entry of a kind, so the digests of its entries, one over the other in whatever order, tell which it has.
        run(
            f"""
            create or replace temp table pattern as
            select asset, bit_xor(md5_number(concat_ws('|', what, lent, handed, {_texts_sql("")}))) as pattern from entry group by asset
            """
        )
        run("create or replace temp table first as select pattern, min(asset) as asset from pattern group by pattern")
        run(
            f"""
            create or replace temp table alike as
            select l.pattern, {_FLAGS_SQL}, count(*) as assets from pattern l left join asked a on a.asset = l.asset group by all
            """
        )

    def _entries_sql(self) -> str:
        """Select an entry for each check, and for each word of people, on each asset."""
        hand = self._hand_sql()
        lent = f"({_OF_RIG} and verdict in ('{Verdict.PASS}', '{Verdict.NOT_APPLICABLE}'))"
        instead = f"l.verdict = '{Verdict.INCONCLUSIVE}' and coalesce(h.verdict, r.verdict) is not null"
        return f"""
          select what, asset, lent,
            min(basis::basis) filter (verdict = '{Verdict.FAIL}' and not wrong) as failed, bool_or(wrong) as false_positive,
            {_worst_sql("reason", f"verdict = '{Verdict.INCONCLUSIVE}'")} as unjudged,
            max(basis::basis) filter (verdict = '{Verdict.PASS}') as passed, bool_or(verdict = '{Verdict.NOT_APPLICABLE}') as absent,
            null::varchar as manual, null::varchar as declared, bool_or(handed) as handed
          from (
            select l.what, l.asset, l.reason, l.wrong, false as lent, false as handed,
              case when {instead} then coalesce(h.verdict, r.verdict) else l.verdict end as verdict,
              case when {instead} then '{Basis.MANUAL}' else l.basis end as basis
            from (select "check" as what, asset, verdict, reason, basis, {self._wrong} as wrong from ledger where not {_PEOPLE}) l
              left join {hand} h on h.what = l.what and h.asset = l.asset and not h.wrong
              left join (select what, verdict from {hand} where {_OF_RIG} and not wrong) r on r.what = l.what
            union all
            select what, asset, '{Reason.NEEDS_MANUAL_TEST}' as reason, wrong, {lent} as lent,
              verdict <> '{Verdict.INCONCLUSIVE}' and not wrong as handed, verdict, '{Basis.MANUAL}' as basis
            from {hand}
          ) semi join named using (what) group by what, asset, lent
          union all
          select {_REF} as what, asset, false, null, {self._wrong}, null, null, false,
            {self._said_sql(MANUAL)}, {self._said_sql(DECLARED)}, false
          from ledger where {_PEOPLE} and not {_OF_RIG} and {_REF} in (select what from named)
        """

    def _hand_sql(self) -> str:
        """Select tests by hand of what checks ask."""
        by_hand = f"\"check\" = '{MANUAL}' and starts_with(subject, '{HAND}')"
        return f"(select substr(subject, {len(HAND) + 1}) as what, asset, verdict, {self._wrong} as wrong from ledger where {by_hand})"

    def _said_sql(self, check: str) -> str:
        return f"case when \"check\" = '{check}' and not {self._wrong} then verdict end"

    def _people(self, where: str) -> Iterator[tuple[int, Answers]]:
        rows = self._connection.execute(
            f'select "check", subject, verdict, {self._wrong} from ledger where {_PEOPLE} and {where} order by all'
        ).fetchall()
        for check, subject, verdict, wrong in rows:
            if subject in self._places:
                said = None if wrong else Verdict(verdict)
                manual, declared = (said, None) if check == MANUAL else (None, said)
                yield self._places[subject], Answers(false_positive=wrong, manual=manual, declared=declared)

    def _of_the_rig(self) -> dict[int, Answers]:
        found: dict[int, Answers] = defaultdict(lambda: SILENCE)
        for n, one in self._people(_OF_RIG):
            before, wrong = found[n], found[n].false_positive or one.false_positive
            found[n] = Answers(false_positive=wrong, manual=one.manual or before.manual, declared=one.declared or before.declared)
        return found

    def _table(self, name: str, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, pa.DataType]) -> None:
        self._connection.register("incoming", pa.Table.from_pylist(rows, schema=pa.schema(columns.items())))
        self._connection.execute(f"create or replace temp table {name} as from incoming")
        self._connection.unregister("incoming")


def _cells_sql(where: str) -> str:
    """Select what was said of provisions by each pattern, for those that `where` names."""
    return f"""
      select * exclude (gaps, handed) replace (
        coalesce(unjudged, list_min([gap for gap in gaps if not list_contains(handed, gap.what)]).reason) as unjudged)
      from (
        select n, per, pattern, min(failed) as failed, bool_or(false_positive) as false_positive,
          {_worst_sql("unjudged", "unjudged is not null")} as unjudged, max(passed) as passed, bool_or(absent) as absent,
          min(manual) as manual, min(declared) as declared, list_sort(coalesce(list(what) filter (not contains(what, '|')), [])) as checks,
          any_value(gaps) as gaps, coalesce(list(what) filter (handed), []) as handed
        from first f join entry e on e.asset = f.asset join named using (what) left join gap using (n)
        where {where} and (not lent or per = '{AskedOf.RIG}') group by n, per, pattern
      )
    """


def _worst_sql(column: str, where: str) -> str:
    return f"(min(struct_pack(place := {_place_sql(column)}, reason := {column})) filter ({where})).reason"


def _place_sql(column: str) -> str:
    places = ", ".join(map(literal, REASONS))
    return f"coalesce(list_position([{places}], {column}), {len(REASONS) + 1})"


def _asked_sql(provision: str, asked: str) -> str:
    """Give an expression that tells whether a provision is asked of an asset."""
    each = " ".join(f"when '{word}' then {asked}.{word}" for word in ASKED)
    return f"coalesce(case {provision}.per {each} end, false)"


def _texts_sql(table: str) -> str:
    return ", ".join(f"coalesce({table}{name}::varchar, '')" for name in _ANSWERS)


_SOME = "{some}"  # stands for the part of the provisions that is written at a time
_WHOLE_SQL = f"select n, '' as asset, verdict, reason, basis, checks from whole where {_SOME}"
_LISTED_SQL = f"""
  select c.n, a.asset, j.verdict, j.reason, j.basis, c.checks
  from flagged a join pattern p on p.asset = a.asset join cell c on c.pattern = p.pattern
    join judged j on j.n = c.n and j.asked = {_asked_sql("c", "a")}
      and concat_ws('|', {_texts_sql("j.")}) = concat_ws('|', {_texts_sql("c.")})
"""
_SILENT_SQL = f"""
  select v.n, a.asset, s.verdict, s.reason, s.basis, []::varchar[] as checks
  from flagged a join (from provision where {_SOME}) v on {_asked_sql("v", "a")} join silence s on s.n = v.n
    left join pattern p on p.asset = a.asset anti join cell c on c.n = v.n and c.pattern = p.pattern
"""


def _row(n: int, judged: Judged) -> dict[str, Any]:
    return {"n": n, "verdict": judged.verdict.value, "reason": judged.reason, "basis": judged.basis}


def _told_row(told: Told) -> dict[str, Any]:
    return {"asked": told.asked, **{name: getattr(told.answers, name) for name in _ANSWERS}}
