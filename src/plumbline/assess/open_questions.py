"""What a rig leaves to its people: questions to the owner, or tests by hand, that nothing has settled yet.

Not the sheet on which they stand (`question_sheets`). A question is put once for the rig, once for each model, or, where an asset has no
model, for the asset. It is settled where

    checks prove the provision alone
    an earlier sheet of the rig file answers it: of the asset, of its model, of the rig
    an assessment, where one is given, came to a pass, a fail or not applicable

Rules: what is left out is counted with its reason; a provision that is asked of something the rig file does not have (a gateway without
[[edge]], a cloud service without [[hub]]) is left out, and said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import pyarrow.parquet as pq

from plumbline.assess.assessment import read_json
from plumbline.assess.conforming import FILE
from plumbline.checks.registry import Registry
from plumbline.collect.by_hand import Form, S, Statement, read_sheet
from plumbline.collect.declarations.collector import FORM as DECLARATIONS
from plumbline.collect.declared import site_of
from plumbline.collect.manual.collector import FORM as RESULTS
from plumbline.model.entities import Entity
from plumbline.model.errors import InputError, ProtocolError
from plumbline.model.words import EntityKind, Verdict
from plumbline.rig.models import Asset, Rig
from plumbline.standards.profiles import Profile
from plumbline.standards.standard import AskedOf, Provision
from plumbline.standards.ways import Way, way

RIG = ""  # where an asset's id would stand


class Sheet(StrEnum):
    """Which questions: those to the owner, or tests by hand."""

    DECLARATION = "declaration"
    MANUAL = "manual"

    def asks(self, provision: Provision) -> str | None:
        """Give the question, None where there is none of the kind."""
        return provision.declare if self is Sheet.DECLARATION else provision.manual


class Left(StrEnum):
    """Why a provision is not on the sheet."""

    CHECKS = "checks prove it alone"
    OTHER = "the other sheet asks it"
    GAP = "neither the owner nor a test by hand can tell"
    SETTLED = "settled already"
    NOBODY = "the rig file has nothing that it is asked of"


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """One question about the rig (`model` and `asset` None), the assets of a model, or one asset."""

    provision: Provision
    text: str
    way: Way
    model: str | None = None
    asset: str | None = None
    assets: int = 0


@dataclass(frozen=True, slots=True)
class OpenQuestions:
    """All open questions by standard, the standard with the fewest first, and how many provisions were left out, by reason."""

    standards: Mapping[str, Sequence[OpenQuestion]]
    left: Mapping[Left, int]

    @property
    def count(self) -> int:
        """How many questions are open."""
        return sum(map(len, self.standards.values()))


def open_questions(
    sheet: Sheet, rig: Rig, profiles: Sequence[Profile], registry: Registry, now: datetime, assessed: Path | None = None
) -> OpenQuestions:
    """Find what is open of some profiles; `assessed` is an OUT. Raises InputError for a sheet or an OUT that cannot be read."""
    provisions = list({one.ref: one for profile in profiles for one in profile.provisions}.values())
    settled = _stated(sheet, rig, now)
    if assessed is not None:
        settled |= _assessed(rig, assessed, {one.ref for one in provisions if one.per is AskedOf.RIG})
    asked = {word: list(_asked(rig, word)) for word in AskedOf}
    found: dict[str, list[OpenQuestion]] = {}
    left: Counter[Left] = Counter()
    for provision in provisions:
        why, questions = _of_provision(sheet, provision, bool(registry.naming(provision.ref)), asked[provision.per], settled)
        if why is not None:
            left[why] += 1
        found.setdefault(provision.standard, []).extend(questions)
    for questions in found.values():
        questions.sort(key=lambda one: (one.model is not None, one.asset is not None, one.model or "", one.asset or ""))
    fewest = sorted((name for name in found if found[name]), key=lambda name: (len(found[name]), name))
    return OpenQuestions({name: tuple(found[name]) for name in fewest}, {why: left[why] for why in Left if left[why]})


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who is asked together: the rig, the assets of a model, or one asset; `ids` are those of assets."""

    ids: frozenset[str]
    model: str | None = None
    asset: str | None = None


def _of_provision(
    sheet: Sheet, provision: Provision, checked: bool, asked: Sequence[_Asked], settled: Collection[tuple[str, str]]
) -> tuple[Left | None, list[OpenQuestion]]:
    answered = way(provision, checked)
    text = sheet.asks(provision)
    if answered is Way.CHECKS:
        return Left.CHECKS, []
    if text is None:
        return Left.GAP if answered is Way.GAP else Left.OTHER, []
    if not asked:
        return Left.NOBODY, []
    open_ = [one for one in asked if not _is_settled(provision.ref, one, settled)]
    questions = [OpenQuestion(provision, text, answered, one.model, one.asset, len(one.ids)) for one in open_]
    return (None if questions else Left.SETTLED), questions


def _is_settled(ref: str, one: _Asked, settled: Collection[tuple[str, str]]) -> bool:
    return (ref, RIG) in settled or (bool(one.ids) and all((ref, asset) in settled for asset in one.ids))


def _asked(rig: Rig, per: AskedOf) -> Iterator[_Asked]:
    """Give who is asked, as far as the rig file tells; what it does not list as an asset is asked of the rig."""
    if per is AskedOf.RIG or (per is AskedOf.CLOUD and rig.hubs):
        yield _Asked(frozenset())
    elif per is AskedOf.DEVICE:
        yield from _by_model(rig.assets)
    elif per is AskedOf.GATEWAY:
        devices = {edge.device for edge in rig.edges}
        gateways = [asset for asset in rig.assets if asset.hub_device_id is not None and asset.hub_device_id in devices]
        yield from _by_model(gateways)
        if devices - {asset.hub_device_id for asset in gateways}:
            yield _Asked(frozenset())


def _by_model(assets: Sequence[Asset]) -> Iterator[_Asked]:
    models: dict[str | None, list[str]] = {}
    for asset in assets:
        models.setdefault(asset.model, []).append(asset.id)
    for model, ids in models.items():
        if model is not None:
            yield _Asked(frozenset(ids), model=model)
        else:
            yield from (_Asked(frozenset([asset]), asset=asset) for asset in ids)


def _stated(sheet: Sheet, rig: Rig, now: datetime) -> frozenset[tuple[str, str]]:
    """Give the provisions, each with an asset's id or the rig, that sheets of the rig file settle.

    Not applicable settles nothing where nobody says why, and a yes leaves a test by hand open that is asked beside it.
    """
    found: set[tuple[str, str]] = set()
    for said in _read([one.path for one in rig.declarations], DECLARATIONS, rig, now):
        met = said.columns["met"]
        if met == "no" or (met == "yes" and sheet is Sheet.DECLARATION) or (met == "not_applicable" and said.columns["justification"]):
            found |= _about(said)
    for said in _read([one.path for one in rig.manuals], RESULTS, rig, now):
        if said.columns["verdict"] != Verdict.INCONCLUSIVE:
            found |= _about(said)
    return frozenset(found)


def _about(said: Statement) -> set[tuple[str, str]]:
    return {(said.subject, asset) for asset in [one.id for one in said.assets] or [RIG]}


def _read(paths: Sequence[Path], form: Form[S], rig: Rig, now: datetime) -> Iterator[Statement]:
    for path in paths:
        try:
            yield from read_sheet(path, form, rig, now).statements
        except ProtocolError as error:
            raise InputError(str(error), where=str(path.parent), remedy="mend it, or leave it out of the rig file") from error


def _assessed(rig: Rig, out: Path, of_rig: Collection[str]) -> frozenset[tuple[str, str]]:
    """Give the same of what an assessment came to: for the assets that it lists, and for the rig.

    That a provision which is asked of assets failed over the rig settles it for none of them; `of_rig` are the refs of the others.
    """
    of = read_json(out)["rig"].get("id")
    if of != rig.id:
        raise InputError(f"is an assessment of the rig {of!r}, not of {rig.id!r}", where=str(out), remedy="name one of the same rig")
    names = {str(Entity.of(EntityKind.DECLARED, site_of(rig, asset), asset.id)): asset.id for asset in rig.assets}
    try:
        rows = pq.read_table(out / FILE, columns=["provision", "asset", "verdict"]).to_pylist()
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise InputError(
            f"{FILE} cannot be read: {error}", where=str(out), remedy="name the folder that `plumbline assess` wrote"
        ) from error
    decided = [
        row
        for row in rows
        if row["verdict"] in (Verdict.PASS, Verdict.NOT_APPLICABLE)
        or (row["verdict"] == Verdict.FAIL and (row["asset"] != RIG or row["provision"] in of_rig))
    ]
    return frozenset((row["provision"], names.get(row["asset"], row["asset"])) for row in decided)
