"""What an audit makes of the files that people wrote, and of what the owner declares beside what else was found.

A declaration is held against the verdicts of all other checks, so those are noted in the world before it is judged.
"""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.checks.registry import load_registry
from plumbline.lab.files import by_hand
from plumbline.lab.files.by_hand import Answer
from plumbline.lab.rigfile import RIG_ID, SIDES
from plumbline.lab.truth.world import World
from plumbline.model.words import Verdict

HAND = "rig.manual_test_failed"
DECLARED = "rig.provision_declared_unmet"
LAST = "rig.declaration_contradicted"


def see(world: World) -> None:
    """Note every result and answer, and that declarations are held against verdicts."""
    rig = f"rig:/{RIG_ID}"
    for switched, side in SIDES.items():
        world.attempt("manual_result", rig, f"file/{side}.toml")
        world.attempt("declaration", rig, f"file/{side}.toml")
        for result in by_hand.results(world.fleet, switched=switched):
            world.see("manual_result", _asset(world, result.about), result.subject, result, source=rig)
        for answer in by_hand.answers(world.fleet, switched=switched):
            world.see("declaration", _asset(world, answer.about), answer.subject, answer, source=rig)
    world.attempt("provision_verdict", rig)


def applies(answer: Answer, world: World) -> bool:
    """Say whether evidence could contradict an answer."""
    return answer.met == "yes" or (answer.met == "not_applicable" and Verdict.FAIL in set(_spoken(answer, world)))


def contradicted(answer: Answer, world: World) -> bool | None:
    """Say whether anything that speaks of the provision failed; None where nothing was judged, or not all."""
    found = set(_spoken(answer, world))
    return True if Verdict.FAIL in found else False if found & {Verdict.PASS, Verdict.INCONCLUSIVE} == {Verdict.PASS} else None


def _spoken(answer: Answer, world: World) -> Iterator[Verdict]:
    """Give the verdicts that speak of an answer's provision, on its asset or, where it is for the rig, on any."""
    named = {check.id for check in load_registry().checks.values() if answer.subject in check.provisions}
    asset = None if answer.about is None else _asset(world, answer.about)
    by_hand_of = {answer.subject, *(f"check/{name}" for name in named)}
    for (check, owner, subject), said in world.verdicts.items():
        if asset in (None, owner) and (check in named or (check == HAND and subject in by_hand_of)):
            yield said.verdict


def _asset(world: World, device: str | None) -> str:
    return f"rig:/{RIG_ID}" if device is None else world.asset_of(world.fleet.by_name[device])
