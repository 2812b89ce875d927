"""Judges bundles: evidence and checks in, OUT/ledger.parquet and OUT/assessment.json out.

Pure in the sense of law 3: no socket, no clock; of files only the bundles, the checks and OUT. The same bundles, checks,
parameters and date give the same ledger digest, whatever the threads, the memory or the order in which bundles are named.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from plumbline import __version__
from plumbline.assess import second_stage
from plumbline.assess.asked import find_unseen
from plumbline.assess.assessment import Assessment, CheckSummary, ConflictSummary, Finding, Tally, Unjudged
from plumbline.assess.conformance import Reason
from plumbline.assess.conforming import Grounds, chosen_profiles, conform
from plumbline.assess.deriving import derive, derive_last, derived_before
from plumbline.assess.digest import ledger_files
from plumbline.assess.findings import actions, failed
from plumbline.assess.identity import write_identity
from plumbline.assess.inventory import counts, inventory, list_assets
from plumbline.assess.ledger import Last, Ledger, LedgerWriter
from plumbline.assess.looked import write_looked
from plumbline.assess.ordering import put_in_order
from plumbline.assess.overlay import Overlay
from plumbline.assess.second_stage import SecondStage
from plumbline.assess.tallies import assets_of, by_check, by_layer, define_ledger, summed
from plumbline.assess.union import BundleUnion
from plumbline.checks.decide import Frame
from plumbline.checks.registry import Registry, load_registry
from plumbline.correlate.merging import Correlation, correlate
from plumbline.correlate.sources import add_coverage, use_bundles
from plumbline.correlate.views import add_asset_view, add_shared_identifiers, define_views, know
from plumbline.evidence.bundle import Bundle
from plumbline.evidence.engine import Connection, connect
from plumbline.evidence.reference import Reference
from plumbline.evidence.specs import load_tables
from plumbline.model.errors import EnvironmentFault, InputError
from plumbline.model.words import EntityKind, Severity, Verdict

SOURCES = (
    *(EntityKind.CAPTURE, EntityKind.IMAGE, EntityKind.EDGE, EntityKind.HUB, EntityKind.NETWORK, EntityKind.IMPORT),
    *(EntityKind.SBOM, EntityKind.SYSTEM),
)
# Of the systems those that a file tells of: one that was logged into is a device, and may be switched off.
LOGGED_INTO = f"{EntityKind.SYSTEM.value}:[^/]*/(ssh|snmp)/.*@.*"
# What files say of the rig as a whole: sheets, each by its name, and exports of update services, together.
OF_THE_RIG = ("manual_result", "declaration", "update_service_device")
CLEARED = ("derived", "ledger.parquet", ".ledger", ".scratch")  # of OUT, whenever it is written
Progress = Callable[[str, int, int | None], None]


def assess(
    bundles: Sequence[Path],
    out: Path,
    *,
    as_of: datetime | None = None,
    checks_dir: Path | None = None,
    parameters: Mapping[str, Any] | None = None,
    reference: Path | None = None,
    waivers: Path | None = None,
    reviews: Path | None = None,
    laid: Overlay | None = None,
    derived: Path | None = None,
    threads: int | None = None,
    memory_limit: str = "600MB",
    progress: Progress | None = None,
) -> Assessment:
    """Judge bundles of one rig into the folder OUT.

    `as_of` is aware; None: the latest end of collection. `parameters` go before those of the rig file. `reference` is a folder that
    `feeds import` and `catalogue import` wrote; None: nothing is known of products and vulnerabilities. `waivers` and `reviews`
    are files that lie over the ledger and never change it, `laid` what an earlier assessment read from such. `derived` is OUT/derived of
    an earlier assessment, taken as it is instead of deriving anew. Raises InputError when a bundle, a check, a parameter or such a file is
    wrong, EnvironmentFault when OUT cannot be written or memory does not suffice.
    """
    opened = [Bundle(path) for path in bundles]
    for bundle in opened:
        bundle.check_whole()
    _refuse(opened, out, as_of)
    union = BundleUnion(opened)
    moment = as_of.astimezone(UTC) if as_of is not None else union.latest_end()
    overlay = laid or _overlay(moment, waivers, reviews)
    registry = load_registry(checks_dir)
    given = {**union.table("parameters"), **(parameters or {})}
    values = registry.values(given)
    union.refuse_other_rigs()
    show = progress or (lambda _what, _done, _total: None)
    scratch = out / ".scratch"
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        with connect(threads=threads, memory_limit=memory_limit, scratch=scratch) as connection:
            return _judged(connection, union, out, registry, values, overlay, Reference(reference), derived, show, scratch)
    except duckdb.OutOfMemoryException as error:
        raise EnvironmentFault(f"judging needs more than {memory_limit} of memory: {error}") from error
    except (duckdb.IOException, OSError) as error:
        raise EnvironmentFault(f"cannot judge into {out}: {error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _overlay(as_of: datetime, waivers: Path | None, reviews: Path | None) -> Overlay:
    if waivers is None and reviews is None:
        return Overlay(as_of)
    from plumbline.assess.overlay_files import load_reviews, load_waivers  # here: they bring the schema of rig files

    return Overlay(as_of, load_waivers(waivers) if waivers else (), load_reviews(reviews, as_of) if reviews else ())


def _refuse(bundles: Sequence[Bundle], out: Path, as_of: datetime | None) -> None:
    """Refuse what would judge as of another moment on another machine, or change the evidence."""
    if as_of is not None and as_of.utcoffset() is None:
        raise InputError("as_of has no time zone", remedy="give it one: datetime(2026, 12, 31, tzinfo=UTC)")
    target = out.resolve()
    for place in (bundle.path.resolve() for bundle in bundles):
        if target.is_relative_to(place):
            what = "is the evidence itself" if target == place else "lies in the evidence, which would be changed"
            raise InputError(what, where=str(out), remedy="name another folder to write into")
        if any(place.is_relative_to(target / name) for name in CLEARED):
            raise InputError("lies where the assessment is written, and would be lost", where=str(place), remedy="move it first")


def _judged(
    connection: Connection,
    union: BundleUnion,
    out: Path,
    registry: Registry,
    values: Mapping[str, Mapping[str, Any]],
    overlay: Overlay,
    reference: Reference,
    before: Path | None,
    progress: Progress,
    scratch: Path,
) -> Assessment:
    as_of = overlay.as_of
    progress("correlating", 0, None)
    filled = use_bundles(connection, union.bundles)
    correlation = correlate(connection, filled)
    merged_kinds = {merge.entity.partition(":")[0] for merge in correlation.merges}
    know(connection, correlation.merges, filled)
    define_views(connection, merged_kinds)
    add_asset_view(connection, filled)
    progress("deriving", 0, None)
    if before is None:
        derived = derive(connection, reference, as_of, out, merged_kinds)
    else:
        derived = derived_before(connection, before, out, merged_kinds)
    if more := {name for name in load_tables() if derived.parts(name)}:
        filled |= more
    if derived.coverage_parts():
        add_coverage(connection, [*union.bundles, derived])
        know(connection, correlation.merges, filled)
    read = {table for name, shape in registry.shapes.items() if registry.checks[name].subjects in filled for table in shape.tables}
    if "shared_identifier" in read:
        add_shared_identifiers(connection, filled)
    bound = {name: {**given, "as_of": as_of} for name, given in values.items()}
    ordered = put_in_order(connection, filled, scratch)
    frame = Frame.of(connection, filled)
    last = _last(connection, registry, frame, as_of, out, merged_kinds) if "declaration" in filled else None
    ledger = LedgerWriter(connection, registry, frame, bound, ordered, last).write(out, progress)
    progress("summing up", 0, None)
    facts = _Facts(union, registry, values, overlay, reference, correlation, ledger)
    assessment = _summed_up(connection, facts, filled, out)
    write_identity(correlation, out)
    write_looked(connection, filled, union.swept(), out)
    assessment.write(out / "assessment.json")
    return assessment


def _last(
    connection: Connection, registry: Registry, frame: Frame, as_of: datetime, out: Path, merged_kinds: Collection[str]
) -> Last | None:
    """Say which checks wait for the others, and what is made for them meanwhile."""
    stage = SecondStage(registry)

    def prepare(files: Mapping[str, Path]) -> Frame:
        derive_last(connection, stage, files, as_of, out, merged_kinds)
        return replace(frame, filled=frame.filled | {second_stage.TABLE})

    return Last(stage.checks, prepare) if stage.checks else None


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known before the ledger is read."""

    union: BundleUnion
    registry: Registry
    values: Mapping[str, Mapping[str, Any]]
    overlay: Overlay
    reference: Reference
    correlation: Correlation
    ledger: Ledger


def _summed_up(connection: Connection, facts: _Facts, filled: frozenset[str], out: Path) -> Assessment:
    define_ledger(connection, ledger_files(facts.ledger.path))
    tallies = by_check(connection)
    checks, findings, over = _checks(connection, facts, tallies)
    list_assets(connection, filled)
    assets = counts(connection)
    profiles = chosen_profiles(facts.union.chosen())
    unswept = _unswept(connection, facts.union)
    wrong = facts.overlay.false_positive_sql(over.false_positives)
    grounds = Grounds(
        registry=facts.registry,
        checks=checks,
        ledger_rows=facts.ledger.rows,
        networks=facts.union.authorised(),
        false_positive=wrong,
        false_positives=over.false_positives,
        assets=assets.assets,
        unseen=find_unseen(connection) or (None if facts.union.whole() and not unswept else Reason.NOT_ATTEMPTED.value),
    )
    conformance = conform(connection, profiles, grounds, out)
    waivers, reviews = facts.overlay.summaries(over.waived, over.reviewed)
    severities = {severity: sum(check.severities.get(severity, 0) for check in checks) for severity in reversed(Severity)}
    [[failed_assets]] = connection.execute("select count(distinct asset) from ledger where verdict = 'fail'").fetchall()
    manifest = facts.union.latest.manifest
    return Assessment(
        plumbline=__version__,
        rig=manifest.get("rig", {}),
        authorisation=manifest.get("authorisation", {}),
        as_of=facts.overlay.as_of,
        sessions=tuple(facts.union.sessions()),
        bundles={name: _sha256((bundle.path / "manifest.json").read_bytes()) for name, bundle in facts.union.named.items()},
        checks_digest=facts.registry.digest,
        parameters_digest=_sha256(json.dumps(facts.values, sort_keys=True, default=str).encode()),
        reference=facts.reference.digests(),
        ledger_digest=facts.ledger.digest,
        ledger_rows=facts.ledger.rows,
        counts=summed(tallies.values()),
        severities={severity: count for severity, count in severities.items() if severity is not Severity.NONE},
        standing={severity: over.standing[severity] for severity in reversed(Severity)},
        assets_count=assets.assets,
        kinds=assets.kinds,
        failed_assets=failed_assets,
        assets=inventory(connection, facts.correlation, findings),
        conflicts=tuple(ConflictSummary(c.identifier, c.value, c.entities, c.reason) for c in facts.correlation.conflicts),
        checks=tuple(checks),
        findings=tuple(findings),
        provisions=conformance.provisions,
        profiles=conformance.profiles,
        layers=by_layer(connection, tallies, facts.ledger.rows),
        actions=actions(connection, checks),
        waivers=waivers,
        reviews=reviews,
        unjudged_sources=tuple(sorted([*_unjudged(connection), *unswept], key=lambda one: one.entity)),
    )


@dataclass(frozen=True, slots=True)
class _Overlaid:
    """What waivers and reviews come to over all checks: findings by the place of what counts for them, and what is left."""

    waived: Counter[int] = field(default_factory=Counter)
    reviewed: Counter[int] = field(default_factory=Counter)
    standing: Counter[Severity] = field(default_factory=Counter)
    false_positives: dict[str, int] = field(default_factory=dict)


def _checks(connection: Connection, facts: _Facts, tallies: Mapping[str, Tally]) -> tuple[list[CheckSummary], list[Finding], _Overlaid]:
    summaries: list[CheckSummary] = []
    findings: list[Finding] = []
    over = _Overlaid()
    for check in facts.registry.checks.values():
        tally = tallies.get(check.id, Tally(reasons={}))
        of_check = failed(connection, check, facts.registry.shapes[check.id], facts.overlay) if tally.fail else None
        summaries.append(
            CheckSummary(
                id=check.id,
                layer=check.layer,
                title=check.title,
                severity=check.severity,
                score=check.score,
                cvss=check.cvss,
                proves=check.proves,
                pass_proves=check.pass_proves,
                recommendation=check.recommendation,
                verify=check.verify,
                compensate=check.compensate,
                effort=check.effort.value,
                provisions=check.provisions,
                subjects=check.subjects,
                parameters=facts.values[check.id],
                tally=tally,
                failed_assets=assets_of(connection, check.id, Verdict.FAIL) if tally.fail else 0,
                passed_assets=assets_of(connection, check.id, Verdict.PASS) if tally.passed else 0,
                severities=of_check.severities if of_check else {},
                risk=of_check.risk if of_check else 0,
                findings=len(of_check.listed) if of_check else 0,
            )
        )
        if of_check is not None:
            findings += of_check.listed
            over.waived.update(of_check.waived)
            over.reviewed.update(of_check.reviewed)
            over.standing.update(of_check.standing)
            over.false_positives.update({check.id: of_check.false_positives} if of_check.false_positives else {})
    return summaries, findings, over


def _unswept(connection: Connection, union: BundleUnion) -> list[Unjudged]:
    """List the networks of the rig that no bundle speaks of: theirs was not given."""
    rows = connection.execute(
        f"select distinct entity from known.coverage where \"table\" = 'host' and starts_with(entity, '{EntityKind.NETWORK.value}:')"
    ).fetchall()
    unswept = sorted(union.networks() - {entity for (entity,) in rows})
    why = "no bundle says that it was swept"
    return [Unjudged(entity, Reason.NOT_ATTEMPTED.value, why) for entity in unswept]


def _unjudged(connection: Connection) -> list[Unjudged]:
    kinds = ", ".join(f"'{kind.value}'" for kind in SOURCES)
    tables = ", ".join(f"'{table}'" for table in OF_THE_RIG)
    rows = connection.execute(
        f"""
        select k.entity, max(k.outcome)::varchar, min(b.detail)
        from known.coverage k left join base.coverage b
          on b.entity = k.entity and b."table" = k."table" and b.subject = k.subject and b.outcome = k.outcome::varchar
        where split_part(k.entity, ':', 1) in ({kinds}) and not regexp_full_match(k.entity, '{LOGGED_INTO}')
        group by k.entity having min(k.outcome) > 'partial'::outcome
        union all
        select case k.subject when '' then k."table" else k.subject end, k.outcome::varchar, min(b.detail)
        from known.coverage k join base.coverage b
          on b.entity = k.entity and b."table" = k."table" and b.subject = k.subject and b.outcome = k.outcome::varchar
        where starts_with(k.entity, '{EntityKind.RIG.value}:') and k."table" in ({tables}) and k.outcome > 'partial'::outcome
          and not regexp_matches(k.subject, '/(result|answer)/[0-9]+$')
        group by all
        """
    ).fetchall()
    return [Unjudged(*row) for row in rows]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
