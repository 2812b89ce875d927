"""Lays other waivers and reviews over an assessment that is written already, as `plumbline report --waivers --review` does.

Not a new judgement: neither the ledger nor anything else in OUT changes, only what reports are told. What a review makes of provisions
needs nothing but the ledger, for a false positive turns a fail into inconclusive and touches nothing else. Rules: what is given takes the
place of what the assessment was made with; reviews that called findings false positives then cannot be taken back here, for what they hid
is not in the assessment any more. `taken_back` names what conformance.parquet still calls failed: pairs of provision and asset.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from plumbline.assess.answers import DECLARED, HAND, MANUAL
from plumbline.assess.assessment import plain
from plumbline.assess.conformance import Reason
from plumbline.assess.conforming import FILE as CONFORMANCE
from plumbline.assess.conforming import within
from plumbline.assess.digest import ledger_files
from plumbline.assess.overlay import Overlay, overlay_of, read_summaries
from plumbline.assess.reviews import Action
from plumbline.assess.tallies import define_ledger, tallied
from plumbline.checks.severity import base_score
from plumbline.evidence.engine import Connection, connect, file_list, literal
from plumbline.model.errors import InputError
from plumbline.model.words import EntityKind, Severity, Verdict


def relaid(out: Path, said: Mapping[str, Any], waivers: Path | None, reviews: Path | None) -> Mapping[str, Any]:
    """Give what the assessment in `out` says with these files in the place of its own; None leaves its own.

    Raises InputError when a file is wrong, or reviews cannot take the place of those that the assessment was made with.
    """
    if waivers is None and reviews is None:
        return said
    from plumbline.assess.overlay_files import load_reviews, load_waivers  # here: they bring the schema of rig files

    if reviews is not None and any(one["action"] == Action.FALSE_POSITIVE and one["findings"] for one in said["reviews"]):
        remedy = "assess the bundle again with --review"
        raise InputError("the assessment was made with false positives of its own", where="--review", remedy=remedy)
    overlay = overlay_of(datetime.fromisoformat(said["as_of"]), *read_summaries(said))
    if waivers is not None:
        overlay = replace(overlay, waivers=load_waivers(waivers))
    if reviews is not None:
        overlay = replace(overlay, reviews=load_reviews(reviews, overlay.as_of))
    with connect() as connection:
        define_ledger(connection, ledger_files(out / "ledger.parquet"))
        changed = {**said, **_counted(connection, said, overlay), "findings": [_finding(entry, overlay) for entry in said["findings"]]}
        return changed if reviews is None else {**changed, **_provisions(connection, out, said, overlay)}


def _counted(connection: Connection, said: Mapping[str, Any], overlay: Overlay) -> dict[str, Any]:
    waived: Counter[int] = Counter()
    reviewed: Counter[int] = Counter()
    standing: Counter[Severity] = Counter()
    for check in said["checks"]:
        if not check["tally"]["fail"]:
            continue
        rows = connection.execute(
            f"""
            select coalesce(cvss, {literal(check["cvss"])}), {overlay.waiver_sql(check["id"])}, {overlay.review_sql(check["id"])}, count(*)
            from ledger where "check" = {literal(check["id"])} and verdict = '{Verdict.FAIL}' group by all
            """
        ).fetchall()
        for vector, waiver, review, count in rows:
            waived.update({waiver: count} if waiver is not None else {})
            reviewed.update({review: count} if review is not None else {})
            stands = overlay.stands(waiver, review, Severity.of_score(base_score(vector)))
            standing.update({stands: count} if stands is not None else {})
    of_waivers, of_reviews = overlay.summaries(waived, reviewed)
    counts = {severity.value: standing[severity] for severity in reversed(Severity)}
    return {"waivers": plain(of_waivers), "reviews": plain(of_reviews), "standing": counts}


def _finding(said: Mapping[str, Any], overlay: Overlay) -> Mapping[str, Any]:
    place = said["check"], said["asset"], said["subject"]
    waiver, review = overlay.waiver_of(*place), overlay.review_of(*place)
    reviewed = {"number": review.number, "action": review.action.value, "severity": review.severity} if review else None
    return {**said, "waived": waiver.id if waiver else None, "review": reviewed}


def _provisions(connection: Connection, out: Path, said: Mapping[str, Any], overlay: Overlay) -> dict[str, Any]:
    failed = {f"{one['standard']}/{one['id']}": one for one in said["provisions"] if one["verdict"] == Verdict.FAIL}
    _know_fails(connection, failed, overlay)
    rows = connection.execute(
        """
        select provision, count(*) filter (not spared), bool_or(of_rig and not spared), count(*) filter (spared)
        from fail group by provision
        """
    ).fetchall()
    counts = {provision: others for provision, *others in rows}
    provisions = []
    for one in said["provisions"]:
        ref = f"{one['standard']}/{one['id']}"
        left, left_of_rig, spared = counts.get(ref, (0, False, 0))
        provisions.append(_provision(one, left, left_of_rig) if spared else one)
    spared_refs = {f"{one['standard']}/{one['id']}" for one in provisions if one["reason"] == Reason.FALSE_POSITIVE}
    taken_back = [*((ref, "") for ref in sorted(spared_refs)), *_taken_back(connection, out)]
    return {"provisions": provisions, "profiles": [_profile(one, spared_refs) for one in said["profiles"]], "taken_back": taken_back}


def _know_fails(connection: Connection, failed: Mapping[str, Mapping[str, Any]], overlay: Overlay) -> None:
    """Make the table `fail`: by provision and asset, whether only false positives failed it, and whether people said so of the rig."""
    rows = [
        {"provision": ref, "what": what}
        for ref, one in failed.items()
        for what in (*one["checks"], f"{MANUAL}|{ref}", f"{DECLARED}|{ref}", *(f"{MANUAL}|{HAND}{check}" for check in one["checks"]))
    ]
    connection.register("named", pa.Table.from_pylist(rows, schema=pa.schema([("provision", pa.string()), ("what", pa.string())])))
    people = f"\"check\" in ('{MANUAL}', '{DECLARED}')"
    wrong = overlay.false_positive_sql(sorted({MANUAL, DECLARED, *(check for one in failed.values() for check in one["checks"])}))
    connection.execute(
        f"""
        create temp table fail as
        select n.provision, l.asset, bool_and(l.wrong) as spared, bool_or(l.of_rig) as of_rig from (
          select asset, {wrong} as wrong, {people} and starts_with(asset, '{EntityKind.RIG.value}:') as of_rig,
            case when {people} then "check" || '|' || subject else "check" end as what
          from ledger where verdict = '{Verdict.FAIL}'
        ) l join named n on n.what = l.what group by n.provision, l.asset
        """
    )


def _taken_back(connection: Connection, out: Path) -> list[tuple[str, str]]:
    """List provisions on listed assets that nothing fails any more, as OUT/conformance.parquet has them."""
    file = out / CONFORMANCE
    if not file.is_file():
        return []
    rows = connection.execute(
        f"""
        select c.provision, c.asset from read_parquet([{file_list([file])}]) c
          left join fail f on f.provision = c.provision and f.asset = c.asset
          left join (select provision, bool_and(spared) as spared from fail where of_rig group by provision) r on r.provision = c.provision
        where c.verdict = '{Verdict.FAIL}' and c.asset <> '' and coalesce(f.spared, true) and coalesce(r.spared, true)
          and (f.spared is not null or r.spared is not null)
        order by c.provision, c.asset
        """
    ).fetchall()
    return [(provision, asset) for provision, asset in rows]


def _provision(said: Mapping[str, Any], left: int, left_of_rig: bool) -> Mapping[str, Any]:
    """Take the false positives out of a provision that failed; `left` are the assets that it still fails on."""
    assets = said["assets"]
    if assets is not None and not left_of_rig:  # what people say of the rig fails each asset
        moved = max(0, assets["fail"] - left)
        reasons = {**(assets["reasons"] or {}), Reason.FALSE_POSITIVE.value: moved}
        assets = {**assets, "fail": assets["fail"] - moved, "inconclusive": assets["inconclusive"] + moved, "reasons": reasons}
    if left:
        return {**said, "assets": assets}
    verdict = {"verdict": Verdict.INCONCLUSIVE.value, "reason": Reason.FALSE_POSITIVE.value, "basis": None}
    return {**said, **verdict, "assets": assets}


def _profile(said: Mapping[str, Any], spared: set[str]) -> Mapping[str, Any]:
    verdicts = [
        {**one, "verdict": Verdict.INCONCLUSIVE.value, "reason": Reason.FALSE_POSITIVE.value} if one["provision"] in spared else one
        for one in said["provisions"]
    ]
    tally = tallied((one["verdict"], one["reason"], 1) for one in verdicts)
    limits = said["thresholds"]
    kept = within(tally, limits["fail"], limits["inconclusive"])
    return {**said, "provisions": verdicts, "counts": plain(tally), "within": kept}
