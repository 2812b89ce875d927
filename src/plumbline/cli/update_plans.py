"""Plans of updates in words: plan.txt, and what the terminal shows of them."""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.report.text import plural, visible, when
from plumbline.updates.planning import Left, Plan, PlannedStep, Unit, Wave

_HELD = {True: "yes", False: "NO", None: "?"}


def lines(plan: Plan) -> Iterator[str]:
    """Write a plan as text, line by line; what came from devices or files is made visible."""
    for line in _lines(plan):
        yield visible(line)


def _lines(plan: Plan) -> Iterator[str]:
    units = sum(len(wave.units) for wave in plan.waves)
    yield f"Update plan for {plan.rig}"
    yield f"made {when(plan.made_at)}, from the assessment as of {when(plan.as_of)} (ledger {plan.ledger_digest})"
    yield f"{plural(units, 'device')} in {plural(len(plan.waves), 'wave')}; {plural(len(plan.left), 'device')} in none"
    yield ""
    yield "Stop rules"
    yield from (f"  - {rule}" for rule in plan.stop_rules)
    if plan.windows:
        yield f"  Windows: {'; '.join(plan.windows)}"
    yield from (f"  Note: {note}" for note in plan.notes)
    for wave in plan.waves:
        yield ""
        yield title(wave)
        for unit in wave.units:
            yield from _unit(unit)
    if plan.left:
        yield ""
        yield "In no wave"
        for left in plan.left:
            yield from _left(left)


def title(wave: Wave) -> str:
    """Name a wave: `Wave 1: canary gateways, from 21 November 2026 01:00 UTC`."""
    what = "gateways" if wave.gateways else "devices"
    start = "" if wave.starts_at is None else f", from {when(wave.starts_at)}"
    end = "" if wave.closes_at is None else f" to {when(wave.closes_at)}"
    return f"Wave {wave.number}: {_RINGS.get(wave.ring, f'{wave.ring} criticality')}, {plural(len(wave.units), what[:-1])}{start}{end}"


_RINGS = {"canary": "canary", "safety": "safety depends on them, with somebody beside them"}


def _unit(unit: Unit) -> Iterator[str]:
    exploited = f", exploited: {', '.join(unit.exploited)}" if unit.exploited else ""
    yield f"  {unit.name} ({unit.product}, {unit.criticality}): {unit.installed} to {unit.target} ({unit.state}{exploited})"
    for step in unit.steps:
        yield from _step(step, alone=len(unit.steps) == 1)


def _step(step: PlannedStep, *, alone: bool) -> Iterator[str]:
    if not alone:
        yield f"    {step.from_version} to {step.version}"
    for condition in step.conditions:
        yield f"    [{_HELD[condition.held]:>3}] {condition.words}"


def _left(left: Left) -> Iterator[str]:
    yield f"  {left.name} ({left.state}): {left.why}"
    yield from (f"    Meanwhile: {measure}" for measure in left.measures)
