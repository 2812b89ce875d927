"""Reads one assessment from OUT: assessment.json, the ledger, what was derived, and the bundles whose rows it cites.

Not how anything looks. Rules: a bundle counts only when its manifest has the digest that was assessed; evidence that is not at hand is
cited without being shown; whatever is cut short keeps its exact count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb

from plumbline.assess.assessment import FindingReview, read_json
from plumbline.assess.digest import ledger_files
from plumbline.assess.overlay import read_summaries
from plumbline.assess.relaid import relaid
from plumbline.checks.registry import load_registry
from plumbline.correlate.sources import add_coverage, use_bundles
from plumbline.evidence.bundle import Bundle
from plumbline.evidence.derived import DerivedParts
from plumbline.evidence.engine import connect
from plumbline.model.errors import InputError
from plumbline.model.words import Basis, EntityKind, Layer, Severity, Verdict
from plumbline.report import cited, contacts, data, shortfalls
from plumbline.report.by_hand import hand_tests
from plumbline.report.currency import currency
from plumbline.report.customs import customs
from plumbline.report.language import FALLBACK, Language, reworded, told
from plumbline.report.language import language as languages
from plumbline.report.picture import GROUND
from plumbline.report.standards_data import ProfileResult, Provision
from plumbline.report.tally import Tally
from plumbline.report.whole import check_derived, check_ledger, reading
from plumbline.standards.loading import load_standards

SOURCES = frozenset({EntityKind.CAPTURE.value, EntityKind.IMPORT.value, EntityKind.NETWORK.value, EntityKind.RIG.value})
FINDINGS_SHOWN = 400  # over all checks; a check shows at least FINDINGS_EACH
FINDINGS_EACH = 8
EVIDENCE_EACH = 3
NAMES_SHOWN = 12


def load(
    out: Path,
    bundles: Collection[Path] | None = None,
    *,
    waivers: Path | None = None,
    reviews: Path | None = None,
    language: str = FALLBACK,
) -> data.Report:
    """Read the assessment in `out`; `bundles` None looks for them in and beside `out`.

    `waivers` and `reviews` are files that take the place of those that it was made with; `language` is the code of the one in which people
    are told. Raises InputError when there is no assessment, it is none of ours, a bundle named is not one that was assessed, such a file
    is wrong, or there is no such language.
    """
    tongue = languages(language)
    assessment = read_json(out)
    found: list[Bundle] = []
    try:
        with reading(out, lambda: found):
            found, missing = _bundles(out, assessment["bundles"], bundles)
            return _report(out, relaid(out, assessment, waivers, reviews), found, missing, tongue)
    except (duckdb.Error, LookupError, TypeError, ValueError, AttributeError) as error:
        # No file is damaged: what the engine refuses then are words that another release derived.
        where = str(out / ("derived" if isinstance(error, duckdb.Error) else "assessment.json"))
        remedy = "assess the bundle again with this release"
        raise InputError(f"not of the form that this release reads ({error!r})", where=where, remedy=remedy) from error


def _report(out: Path, said: Mapping[str, Any], bundles: Sequence[Bundle], missing: Sequence[str], tongue: Language) -> data.Report:
    everything = [_asset(entry) for entry in said["assets"]]
    assets = tuple(asset for asset in everything if not SOURCES.issuperset(asset.kinds))
    names = {asset.id: asset.name for asset in everything}
    whose = {member.entity: asset.id for asset in everything for member in asset.merges} | {asset.id: asset.id for asset in everything}
    derived, ledger = DerivedParts(out / "derived"), ledger_files(out / "ledger.parquet")
    check_ledger(ledger, said)
    check_derived(out, derived)
    # English messages stand in the assessment; another language needs the templates that they were made from.
    templates = {check.id: check.message for check in load_registry().checks.values()} if tongue.checks else {}
    findings = _findings(said, bundles, derived, templates)
    checks = _checks(said, findings)
    titles = {check.id: check.title for check in checks}
    waivers, reviews = read_summaries(said)
    by_entity = {entity: names[asset] for entity, asset in whose.items()}
    with connect() as connection:
        use_bundles(connection, bundles)
        add_coverage(connection, [*bundles, derived])
        gaps = shortfalls.gaps(connection)
        custom_parts, customs_count = customs(connection, ledger, checks, said, whose, templates)
        tests, tests_count = hand_tests(connection, by_entity)
    sources_count = sum(said["kinds"].get(kind, 0) for kind in SOURCES)
    return data.Report(
        head=_head(said),
        tally=_tally(said["counts"]),
        severities={Severity(word): count for word, count in said["severities"].items()},
        kinds=dict(sorted(said["kinds"].items(), key=lambda item: -item[1])),
        undeclared=sum(not asset.declared for asset in assets if EntityKind.HOST.value in asset.kinds),
        failed_assets=said["failed_assets"],
        layers=tuple(_layers(said, everything)),
        joins=tuple(_joins(assets)) if len(assets) == said["assets_count"] - sources_count else (),
        actions=tuple(_action(number, entry, checks) for number, entry in enumerate(sorted(said["actions"], key=_urgency), 1)),
        checks=checks,
        assets=assets,
        assets_count=said["assets_count"] - sources_count,
        sources=tuple(asset for asset in everything if SOURCES.issuperset(asset.kinds)),
        conflicts=tuple(data.Conflict(c["identifier"], c["value"], tuple(c["entities"]), c["reason"]) for c in said["conflicts"]),
        reasons=shortfalls.reasons(ledger, said["ledger_rows"], titles, names),
        unread=tuple(data.Unread(u["entity"], u["outcome"], u["detail"] or "") for u in said["unjudged_sources"]),
        gaps=gaps.listed,
        gaps_count=gaps.count,
        attempts=gaps.attempts,
        contacts=contacts.summary([bundle.path for bundle in bundles], by_entity),
        currency=currency(derived, said, whose),
        customs=custom_parts,
        customs_count=customs_count,
        provisions=tuple(_provision(entry) for entry in said["provisions"]),
        profiles=tuple(_profile(entry) for entry in said["profiles"]),
        waivers=waivers,
        reviews=reviews,
        taken_back=tuple((provision, asset) for provision, asset in said.get("taken_back", ())),
        links=tuple(_links(findings, titles, {asset.id: n for n, asset in enumerate(assets)}, whose)),
        digests=tuple(_digests(said)),
        missing_bundles=tuple(missing),
        language=tongue.code,
        hand_tests=tests,
        hand_tests_count=tests_count,
    )


def bundles_of(out: Path) -> list[Bundle]:
    """Find the bundles that were assessed into `out`, in and beside it; raises InputError when it holds no assessment."""
    return _bundles(out, read_json(out)["bundles"], None)[0]


def _bundles(out: Path, assessed: Mapping[str, str], named: Collection[Path] | None) -> tuple[list[Bundle], list[str]]:
    places = [place for name in assessed for place in (out / name, out.parent / name)] if named is None else list(named)
    found: dict[str, Bundle] = {}
    for path in places:
        manifest = path / "manifest.json"
        digest = hashlib.sha256(manifest.read_bytes()).hexdigest() if manifest.is_file() else ""
        if digest in assessed.values():
            found.setdefault(digest, Bundle(path)).check_whole()
        elif named is not None:
            raise InputError("is not a bundle that was assessed here", where=str(path), remedy="name the bundle as it was, or assess again")
    return list(found.values()), [name for name, digest in assessed.items() if digest not in found]


def _time(word: str | None) -> datetime | None:
    moment = datetime.fromisoformat(word) if word else None
    if moment is not None and moment.tzinfo is None:
        raise ValueError(f"{word} has no time zone")
    return moment


def _head(said: Mapping[str, Any]) -> data.Head:
    rig, allowed = said["rig"], said["authorisation"]
    as_of = _time(said["as_of"])
    if as_of is None:
        raise ValueError("as_of is empty")
    return data.Head(
        rig_id=_text(rig.get("id")),
        rig_name=_text(rig.get("name")) or _text(rig.get("id")) or told("a rig without a name"),
        owner=_text(rig.get("owner")),
        reference=_text(allowed.get("reference")),
        granted_by=_text(allowed.get("granted_by")),
        valid_from=_time(allowed.get("valid_from")),
        valid_until=_time(allowed.get("valid_until")),
        intrusion=_text(allowed.get("intrusion")),
        networks=tuple(map(_text, allowed.get("networks") or ())),
        signed_by=_text(allowed.get("signed_by")) or None,
        as_of=as_of,
        ledger_digest=said["ledger_digest"],
        version=said["plumbline"],
        sessions=tuple(
            data.Session(s["bundle"], _time(s["started_at"]), _time(s["ended_at"]), s["complete"], tuple(s["notes"]))
            for s in said["sessions"]
        ),
    )


def _text(value: Any) -> str:
    """Take a text of the rig file, which the form of an assessment leaves open."""
    if not isinstance(value, str | None):
        raise ValueError(f"{value!r:.80} is no text")
    return value or ""


def _tally(said: Mapping[str, Any]) -> Tally:
    return Tally(said["fail"], said["inconclusive"], said["pass"], said["not_applicable"])


def _asset(said: Mapping[str, Any]) -> data.Asset:
    return data.Asset(
        id=said["id"],
        name=said["name"],
        kinds=tuple(said["kinds"]),
        address=said["address"],
        model=said["model"],
        device_class=said["class"],
        criticality=said["criticality"],
        safety=said["safety"],
        declared=said["declared"],
        identifiers=tuple(data.Identifier(entry["kind"], entry["value"]) for entry in said["identifiers"]),
        merges=tuple(data.Merge(entry["entity"], entry["reason"]) for entry in said["members"]),
        layers={Layer(layer): _tally(counts) for layer, counts in said["layers"].items()},
        severity=Severity(said["severity"]),
    )


def _layers(said: Mapping[str, Any], everything: Sequence[data.Asset]) -> Iterator[data.LayerCount]:
    for entry in said["layers"]:
        layer, verdicts = Layer(entry["layer"]), _tally(entry["tally"])
        if verdicts != Tally():
            assets = _tally(entry["assets"]) if entry["assets"] else _worst(layer, everything)
            yield data.LayerCount(layer, verdicts, assets)


def _worst(layer: Layer, assets: Sequence[data.Asset]) -> Tally:
    """Count the listed assets, where a ledger was too large to count all."""
    each = [asset.layers[layer] for asset in assets if layer in asset.layers]
    one = (Tally(int(t.failed > 0), int(not t.failed and t.inconclusive > 0), int(not t.failed and not t.inconclusive)) for t in each)
    return sum(one, Tally())


def _joins(assets: Sequence[data.Asset]) -> Iterator[data.LayerJoin]:
    for upper, lower in combinations(GROUND, 2):
        both = sum(upper in asset.layers and lower in asset.layers for asset in assets)
        if both:
            yield data.LayerJoin(upper, lower, both)


def _findings(
    said: Mapping[str, Any], bundles: Sequence[Bundle], derived: DerivedParts, templates: Mapping[str, str]
) -> dict[str, list[data.Finding]]:
    """Choose the findings that are shown, by check, with their evidence."""
    failing = max(1, sum(entry["findings"] > 0 for entry in said["checks"]))
    each = max(FINDINGS_EACH, FINDINGS_SHOWN // failing)
    chosen: dict[str, list[Mapping[str, Any]]] = {}
    for entry in sorted(said["findings"], key=lambda finding: -finding["risk"]):
        group = chosen.setdefault(entry["check"], [])
        if len(group) < each:
            group.append(entry)
    wanted = [row_id for group in chosen.values() for entry in group for row_id in entry["evidence"][:EVIDENCE_EACH]]
    rows = cited.fetch(wanted, bundles, derived)
    return {check: [_finding(entry, rows, templates.get(check)) for entry in group] for check, group in chosen.items()}


def _finding(said: Mapping[str, Any], rows: Mapping[str, data.Evidence], template: str | None) -> data.Finding:
    shown = [rows[row_id] for row_id in said["evidence"][:EVIDENCE_EACH] if row_id in rows]
    return data.Finding(
        asset=said["asset"],
        asset_name=said["asset_name"],
        subject=said["subject"],
        severity=Severity(said["severity"]),
        cvss=said["cvss"],
        message=reworded(said, template),
        evidence=tuple(cited.telling(row, said["detail"]) for row in shown),
        evidence_rows=said["evidence_rows"],
        waived=said["waived"],
        review=_review_of(said["review"]),
    )


def _review_of(said: Mapping[str, Any] | None) -> FindingReview | None:
    return FindingReview(said["number"], said["action"], Severity(said["severity"]) if said["severity"] else None) if said else None


def _checks(said: Mapping[str, Any], findings: Mapping[str, Sequence[data.Finding]]) -> tuple[data.CheckResult, ...]:
    found = []
    for entry in said["checks"]:
        worst = max((Severity(word) for word in entry["severities"]), key=lambda word: word.rank, default=Severity(entry["severity"]))
        copied = ("id", "title", "score", "cvss", "proves", "pass_proves", "recommendation", "verify", "compensate", "effort")
        result = data.CheckResult(
            **{name: entry[name] for name in copied},
            layer=Layer(entry["layer"]),
            severity=worst,
            provisions=tuple(entry["provisions"]),
            tally=_tally(entry["tally"]),
            failed_assets=entry["failed_assets"],
            passed_assets=entry["passed_assets"],
            risk=entry["risk"],
            findings=tuple(findings.get(entry["id"], ())),
        )
        if result.tally != Tally():
            found.append(result)
    return tuple(sorted(found, key=lambda check: (-check.risk, -check.severity.rank, -check.tally.failed, check.id)))


def _urgency(action: Mapping[str, Any]) -> tuple[int, int]:
    """Risk is capped, so of two that reach the cap the more severe goes first; what else the assessment said of their order stays."""
    return -action["risk"], -Severity(action["severity"]).rank


def _action(number: int, said: Mapping[str, Any], checks: Sequence[data.CheckResult]) -> data.Action:
    advice = [
        data.Advice(check.id, check.title, check.tally.failed, check.verify, check.compensate)
        for check in checks
        if check.id in said["checks"]
    ]
    return data.Action(
        number=number,
        recommendation=said["recommendation"],
        severity=Severity(said["severity"]),
        effort=said["effort"],
        risk=said["risk"],
        findings=said["findings"],
        assets_count=said["assets"],
        assets=tuple(said["names"][:NAMES_SHOWN]),
        advice=tuple(advice),
    )


def _provision(said: Mapping[str, Any]) -> Provision:
    # An assessment of another release may name a provision that the standard no longer has.
    known = load_standards()[said["standard"]].provisions.get(said["id"]) if said["standard"] in load_standards() else None
    return Provision(
        **{name: said[name] for name in ("standard", "id", "title", "level", "per", "whole", "reason", "asked")},
        checks=tuple(said["checks"]),
        tally=_tally(said["tally"]),
        verdict=Verdict(said["verdict"]),
        basis=Basis(said["basis"]) if said["basis"] else None,
        assets=_tally(said["assets"]) if said["assets"] else None,
        remains=tuple(said["remains"]),
        declare=known.declare if known else None,
        manual=known.manual if known else None,
        gap=known.gap if known else None,
    )


def _profile(said: Mapping[str, Any]) -> ProfileResult:
    return ProfileResult(
        id=said["id"],
        title=said["title"],
        counts=_tally(said["counts"]),
        fail=said["thresholds"]["fail"],
        inconclusive=said["thresholds"]["inconclusive"],
        within=said["within"],
        accepts=tuple(Basis(word) for word in said["accepts"]),
        severities={Severity(word): count for word, count in said["severities"].items()},
        verdicts={one["provision"]: (Verdict(one["verdict"]), one["reason"]) for one in said["provisions"]},
    )


def _links(
    findings: Mapping[str, Sequence[data.Finding]], titles: Mapping[str, str], places: Mapping[str, int], whose: Mapping[str, str]
) -> Iterator[data.Link]:
    """Tie the assets that findings of the rig layer concern together: by the same evidence, or by rows of several assets."""
    ties: dict[tuple[str, tuple[str, ...]], set[int]] = {}
    for check, group in findings.items():
        if check.partition(".")[0] != Layer.RIG:
            continue
        for finding in group:
            rows = tuple(row.row_id for row in finding.evidence)
            assets = {finding.asset, *(whose.get(row.entity, "") for row in finding.evidence)}
            ties.setdefault((check, rows), set()).update(places[asset] for asset in assets if asset in places)
    for (check, _), indexes in sorted(ties.items(), key=lambda item: (-len(item[1]), item[0])):
        if len(indexes) > 1:
            yield data.Link(titles.get(check, check), tuple(sorted(indexes)))


def _digests(said: Mapping[str, Any]) -> Iterator[data.Digest]:
    yield data.Digest(told("the ledger"), said["ledger_digest"])
    for name, digest in said["bundles"].items():
        yield data.Digest(told("the bundle %(name)s (its manifest)", name=name), digest)
    yield data.Digest(told("the checks"), said["checks_digest"])
    yield data.Digest(told("the parameters"), said["parameters_digest"])
    for name, digest in said["reference"].items():
        yield data.Digest(told("reference data: %(name)s", name=name), digest)
