"""Small ledgers by chance, and the rows of them without which nobody may say that a provision passes.

A ledger here is a few assets, a few rows of three checks and of what people say, and provisions that are asked in every way. `spoke` is
written from the contract and knows nothing of how answers are read or folded.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from plumbline.assess.assessment import CheckSummary, Tally
from plumbline.assess.conforming import FILE, Conformance, Grounds, conform
from plumbline.assess.tallies import COUNTED_ROWS, by_check
from plumbline.checks.check import Check
from plumbline.checks.registry import Registry, load_registry
from plumbline.evidence.engine import connect, literal
from plumbline.model.words import Basis, Outcome, Verdict
from plumbline.standards.profiles import Profile, Thresholds
from plumbline.standards.standard import AskedOf, Confidence, Field, Provision

MANUAL, DECLARED = "rig.manual_test_failed", "rig.provision_declared_unmet"
OF_A_CHECK = "check/"  # how a test by hand names the check that it stands in for
RIG = "rig:/r"
ROLES: Mapping[str, AskedOf | None] = {
    "host:s/10.0.0.1": AskedOf.DEVICE,
    "host:s/10.0.0.2": AskedOf.DEVICE,
    "edge:/gateway-1": AskedOf.GATEWAY,
    "hub:/northwind": AskedOf.CLOUD,
    "image:/cam.bin": None,  # nobody asks an image
}
NAMES = ("device.telnet_service", "gateway.broker_accepts_anonymous", "cloud.hub_service_keys_allowed")
STANDARD = "by-chance"
_LEDGER = pa.schema([(name, pa.string()) for name in ("check", "asset", "subject", "verdict", "reason", "basis")])


@dataclass(frozen=True)
class Row:
    """One row of a ledger; `wrong` is a fail that a review calls false."""

    check: str
    asset: str
    subject: str
    verdict: Verdict
    reason: str | None = None
    basis: Basis | None = None
    wrong: bool = False

    @property
    def stands(self) -> bool:
        """Whether it says that something is wrong, and nobody says that this is not so."""
        return self.verdict is Verdict.FAIL and not self.wrong


@dataclass(frozen=True)
class Case:
    """Assets, provisions with the checks that name each, the rows of the ledger, and the bases that a profile accepts."""

    assets: tuple[str, ...]
    provisions: tuple[tuple[Provision, tuple[str, ...]], ...]
    rows: tuple[Row, ...]
    accepts: tuple[Basis, ...]

    def asked(self, per: AskedOf) -> list[str]:
        """The assets that such a provision is asked of."""
        return [asset for asset in self.assets if ROLES[asset] is per]


@dataclass(frozen=True)
class Concluded:
    """What conformance made of a case, and the verdict of each provision on each asset, '' being the rig."""

    summary: Conformance
    verdicts: Mapping[tuple[str, str], Verdict]


def _provisions(number: int) -> st.SearchStrategy[tuple[Provision, tuple[str, ...]]]:
    words = st.none() | st.just("x")
    made = st.builds(
        Provision,
        standard=st.just(STANDARD),
        id=st.just(f"{number}"),
        level=st.just("L1"),
        status=st.just("M"),
        layer=st.just(Field.DEVICE),
        title=st.just("t"),
        summary=st.just("s"),
        confidence=st.just(Confidence.HIGH),
        per=st.sampled_from(AskedOf),
        whole=st.booleans(),
        declare=words,
        manual=words,
        gap=words,
    )
    return st.tuples(made, st.lists(st.sampled_from(NAMES), unique=True, max_size=2).map(tuple))


def _rows(assets: Collection[str], refs: Collection[str]) -> st.SearchStrategy[Row]:
    by_check = st.tuples(st.sampled_from(NAMES), st.sampled_from(sorted(assets)), st.sampled_from(("", "tcp/1883")))
    people = st.sampled_from(sorted({*assets, RIG}))
    by_hand = st.tuples(st.just(MANUAL), people, st.sampled_from([*refs, *(OF_A_CHECK + name for name in NAMES)]))
    declared = st.tuples(st.just(DECLARED), people, st.sampled_from(sorted(refs)))
    told = st.sampled_from((*Verdict, Verdict.PASS))  # a pass is what must be earned, so more of them
    return st.builds(_row, by_check | by_hand | declared, told, st.sampled_from(Basis), st.sampled_from(Outcome), st.booleans())


def _row(place: tuple[str, str, str], verdict: Verdict, basis: Basis, outcome: Outcome, wrong: bool) -> Row:
    own = {MANUAL: Basis.MANUAL, DECLARED: Basis.DECLARED}.get(place[0], basis)
    decided = verdict in (Verdict.PASS, Verdict.FAIL)
    return Row(
        *place,
        verdict,
        outcome.value if verdict is Verdict.INCONCLUSIVE else None,
        own if decided else None,
        wrong and verdict is Verdict.FAIL,
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Give cases of up to five assets, three provisions and twelve rows."""
    assets = draw(st.lists(st.sampled_from(sorted(ROLES)), unique=True, min_size=1).map(tuple))
    provisions = draw(st.tuples(*map(_provisions, range(3))))
    refs = [provision.ref for provision, _ in provisions]
    rows = draw(st.lists(_rows(assets, refs), max_size=12, unique_by=lambda row: (row.check, row.asset, row.subject)))
    accepts = draw(st.lists(st.sampled_from(Basis), unique=True, min_size=1))
    return Case(assets, provisions, tuple(rows), tuple(accepts))


_ONE = Provision(STANDARD, "0", "L1", "M", Field.DEVICE, "t", "s", Confidence.HIGH, AskedOf.RIG, whole=True)
FAILED_BY_HAND = Case(  # a check passed, and somebody who tested what it asks says that it fails
    ("host:s/10.0.0.1",),
    ((_ONE, NAMES[:1]),),
    (
        Row(NAMES[0], "host:s/10.0.0.1", "", Verdict.PASS, basis=Basis.OBSERVED),
        Row(MANUAL, RIG, OF_A_CHECK + NAMES[0], Verdict.FAIL, basis=Basis.MANUAL),
    ),
    tuple(Basis),
)


def concluded(case: Case, out: Path, *, large: bool = False) -> Concluded:
    """Hold a case's ledger against its provisions, as an assessment does; `large` as if it had too many rows to count assets."""
    named = {name: tuple(one.ref for one, checks in case.provisions if name in checks) for name in NAMES}
    shipped = load_registry()
    checks: dict[str, Check] = {
        name: dataclasses.replace(shipped.checks[name], provisions=named.get(name, ())) for name in sorted((*NAMES, MANUAL, DECLARED))
    }
    registry = Registry(checks, {name: shipped.shapes[name] for name in checks}, {})
    with connect(threads=1) as connection:
        table = pa.Table.from_pylist([dataclasses.asdict(row) for row in case.rows], schema=_LEDGER)
        connection.register("written", table)
        connection.execute("create view ledger as from written")
        kinds = [
            {"asset": name, "kinds": [name.partition(":")[0]], "address": None}
            for name in sorted({*case.assets, *(row.asset for row in case.rows)})
        ]
        known = pa.Table.from_pylist(
            kinds, schema=pa.schema([("asset", pa.string()), ("kinds", pa.list_(pa.string())), ("address", pa.string())])
        )
        connection.register("knowing", known)
        connection.execute("create table known.asset as from knowing; create view main.asset as from known.asset")
        connection.execute("create temp table listed as from known.asset")
        tallies = by_check(connection)
        summaries = [_summary(check, tallies.get(name, Tally(reasons={}))) for name, check in checks.items()]
        wrong = [
            f'("check" = {literal(r.check)} and asset = {literal(r.asset)} and subject = {literal(r.subject)})'
            for r in case.rows
            if r.wrong
        ]
        grounds = Grounds(
            registry,
            summaries,
            COUNTED_ROWS + 1 if large else len(case.rows),
            (),
            " or ".join(wrong) or "false",
            Counter(row.check for row in case.rows if row.wrong),
        )
        profile = Profile("p", "P", "", tuple(one for one, _ in case.provisions), Thresholds(), case.accepts, {})
        summary = conform(connection, [profile], grounds, out)
    rows = pq.read_table(out / FILE).to_pylist()
    return Concluded(summary, {(row["provision"], row["asset"]): Verdict(row["verdict"]) for row in rows})


def _summary(check: Check, tally: Tally) -> CheckSummary:
    shared = {name: getattr(check, name) for name in _SHARED}
    return CheckSummary(
        **shared, effort=check.effort.value, parameters={}, tally=tally, failed_assets=0, passed_assets=0, severities={}, risk=0, findings=0
    )


_SHARED = (
    "id",
    "layer",
    "title",
    "severity",
    "score",
    "cvss",
    "proves",
    "pass_proves",
    "recommendation",
    "verify",
    "compensate",
    "provisions",
    "subjects",
)


def spoke(rows: Iterable[Row], ref: str, checks: Collection[str], asset: str | None) -> list[Row]:
    """Give the rows that say anything of a provision: of one asset with what people said of the rig, or of all where it is None."""

    def counts(row: Row) -> bool:
        if row.check in (MANUAL, DECLARED):
            of_it = row.subject == ref or row.subject in [OF_A_CHECK + name for name in checks]
            return of_it and (asset is None or row.asset in (asset, RIG))
        return row.check in checks and (asset is None or row.asset == asset)

    return [row for row in rows if counts(row)]
