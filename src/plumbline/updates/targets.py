"""What must hold before a release is installed, step by step: what is known to hold, what is known not to, and what nobody says.

    Condition       one of them; `held` is None where nothing tells

| condition | holds when | False keeps it out of the plan |
|---|---|---|
| listed | the catalogue lists the release, and nobody took it back | - |
| digest | a digest of its image is known | no |
| signature | an image with that digest was supplied, and carries a signature | no |
| hardware | the catalogue limits it to no hardware revision | no: it cannot be False |
| start | the catalogue says nothing against installing it from the release before | yes |
| rollback | its anti-rollback counter is not below that of the release before | yes |
| mends | nothing stays open that advisories say of the release before | no |
| opens | advisories say of it nothing that they do not say of the release before | yes |
| way_back | the device keeps a release to go back to | no: never known |
| power | the device is on mains, or its battery is charged | no: never known |

Not when it is installed (`planning`). Rule: what nobody says is put into words, so that somebody can find it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plumbline.updates.reading import StepRow

BLOCKING = frozenset({"start", "rollback", "opens"})
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of one step."""

    name: str
    held: bool | None
    words: str

    @property
    def blocks(self) -> bool:
        """Whether the step must not be taken."""
        return self.held is False and self.name in BLOCKING


def conditions(step: StepRow) -> tuple[Condition, ...]:
    """Give all conditions of a step that leads to a release."""
    return (
        Condition("listed", True, "the catalogue lists it, and nobody took it back"),
        _digest(step),
        _signature(step),
        Condition("hardware", step.fits, _hardware(step)),
        Condition("start", step.startable, _start(step)),
        Condition("rollback", step.rollback_ok, _rollback(step.rollback_ok)),
        *_vulnerabilities(step),
        Condition(
            "way_back",
            None,
            "nobody says whether the device keeps a release to go back to: see that it has a second slot or a way to recover",
        ),
        Condition("power", None, "nobody says how the device is powered: a battery must be charged, and mains must stay on"),
    )


def _digest(step: StepRow) -> Condition:
    for name, digest in (("SHA-256", step.sha256), ("SHA-512", step.sha512)):
        if digest is not None:
            return Condition("digest", True, f"compare the file with its {name} {digest} before it goes anywhere")
    return Condition("digest", None, "nobody gives a digest: get the file from its maker, over TLS, and ask for one")


def _signature(step: StepRow) -> Condition:
    if step.image is None:
        return Condition("signature", None, "no image of it was supplied, so nobody looked for a signature")
    said = {True: "carries a signature", False: "carries no signature", None: "could not be read for a signature"}[step.signed]
    return Condition("signature", step.signed, f"{step.image}, which has its digest, {said}")


def _hardware(step: StepRow) -> str:
    if step.hardware:
        return f"it is for hardware {_some(step.hardware)}: look which the device has"
    return "the catalogue limits it to no hardware revision"


def _start(step: StepRow) -> str:
    if step.startable:
        return f"the catalogue says nothing against installing it from {step.from_version}"
    may = "it may not" if step.startable is False else "nothing tells whether it may"
    return f"{may} be installed from {step.from_version}"


def _rollback(held: bool | None) -> str:
    if held is None:
        return "the anti-rollback counters are not known: there may be no way back"
    return "its anti-rollback counter is not below the one before" if held else "its anti-rollback counter is below the one before"


def _vulnerabilities(step: StepRow) -> tuple[Condition, Condition]:
    if step.mends is None or step.leaves is None or step.opens is None:
        mended, brought = (f"nothing tells what it {does}: no fresh feed speaks of the product" for does in ("mends", "brings"))
        return Condition("mends", None, mended), Condition("opens", None, brought)
    mended = f"it mends {_some(step.mends)}" if step.mends else "it mends nothing that is known"
    mends = Condition("mends", not step.leaves, f"{mended}, and leaves {_some(step.leaves)}" if step.leaves else mended)
    opens = f"it brings {_some(step.opens)}, which the one before has not" if step.opens else "no advisory speaks of anything new in it"
    return mends, Condition("opens", not step.opens, opens)


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
