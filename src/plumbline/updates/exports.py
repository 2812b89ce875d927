"""A plan as what update services take: one file for each deployment or rollout, for somebody to look at and to send.

    Azure Device Update     PUT /deviceUpdate/{instance}/management/groups/{group}/deployments/{deployment}, api-version 2022-10-01
                            body: deploymentId (lower case, at most 73 characters), groupId, startDateTime,
                            update.updateId {provider, name, version}
                            a group is the value of the tag ADUGroup in its devices' twins
    hawkBit                 POST /rest/v1/rollouts
                            body: name, distributionSetId, targetFilterQuery (FIQL over controllerId), type, groups[] with successCondition,
                            errorCondition {condition: THRESHOLD, expression: percent} and their actions

Sources: Device Update for IoT Hub REST API; Eclipse hawkBit Management API. Rules: nothing is sent from here; what is not settled stands in
each file; a device is in a file only when the plan names it as that service does; hawkBit's number of a distribution set stands in hawkBit
alone, so it is left open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from plumbline.updates.planning import CANARY, Plan, Unit, Wave

API_VERSION = "2022-10-01"
_DEVICE_UPDATE, _HAWKBIT = "device-update", "hawkbit"
FOLDERS = (_DEVICE_UPDATE, _HAWKBIT)  # within that of the plan
FAILED_PERCENT = 2  # as STOP_RULES say


@dataclass(frozen=True, slots=True)
class Export:
    """One file: where it goes within the plan's folder, and its JSON document."""

    path: str
    document: Mapping[str, Any]


def exports(plan: Plan) -> Iterator[Export]:
    """Give every file of a plan."""
    for wave in plan.waves:
        yield from _deployments(plan, wave)
        yield from _rollouts(plan, wave)


def _deployments(plan: Plan, wave: Wave) -> Iterator[Export]:
    """One for each update and place in the order of steps."""
    groups: dict[tuple[int, str, str], dict[str, Unit]] = {}
    for unit in wave.units:
        for hub_id in _known_as(unit, "hub_device_id"):
            for place, step in enumerate(unit.steps, 1):
                if step.name is not None and step.name.count(".") == 1:  # provider.name: with more dots nobody can tell which is which
                    groups.setdefault((place, step.name, step.version), {})[hub_id] = unit
    for number, ((place, name, version), units) in enumerate(sorted(groups.items()), 1):
        provider, _, update = name.partition(".")
        group = f"plumbline-{plan.made_at:%Y%m%d}-wave-{wave.number}"
        deployment = f"{group}-{number}"
        body = {
            "deploymentId": deployment,
            "groupId": group,
            "startDateTime": f"{wave.starts_at or plan.made_at:%Y-%m-%dT%H:%M:%SZ}",
            "update": {"updateId": {"provider": provider, "name": update, "version": version}},
        }
        document = {
            "request": f"PUT /deviceUpdate/{{instance}}/management/groups/{group}/deployments/{deployment}?api-version={API_VERSION}",
            "step": place,
            "before": f"give the twins of these devices the tag ADUGroup {group!r}" + ("" if place == 1 else f"; verify step {place - 1}"),
            "unsettled": _unsettled(units.values(), place),
            "devices": sorted(units),
            "body": body,
        }
        yield Export(f"{_DEVICE_UPDATE}/wave-{wave.number}-{number}.json", document)


def _rollouts(plan: Plan, wave: Wave) -> Iterator[Export]:
    groups: dict[tuple[int, str, str], dict[str, Unit]] = {}
    for unit in wave.units:
        for controller in _known_as(unit, "hawkbit"):
            for place, step in enumerate(unit.steps, 1):
                groups.setdefault((place, unit.product, step.version), {})[controller] = unit
    for number, ((place, product, version), units) in enumerate(sorted(groups.items()), 1):
        chosen = f"controllerId=in=({','.join(map(_quoted, sorted(units)))})"
        group = {
            "name": wave.ring,
            "targetPercentage": 100,
            "successCondition": {"condition": "THRESHOLD", "expression": "100"},
            "successAction": {"action": "NEXTGROUP", "expression": ""},
            "errorCondition": {"condition": "THRESHOLD", "expression": "1" if wave.ring == CANARY else str(FAILED_PERCENT)},
            "errorAction": {"action": "PAUSE", "expression": ""},
        }
        body = {
            "name": f"plumbline {plan.made_at:%Y-%m-%d} wave {wave.number}.{number}: {product} {version}"[:128],
            "distributionSetId": None,
            "targetFilterQuery": chosen,
            "type": "forced",
            "groups": [group],
        }
        document = {
            "request": "POST /rest/v1/rollouts",
            "step": place,
            "before": f"set distributionSetId to that of {product} {version}" + ("" if place == 1 else f"; verify step {place - 1}"),
            "starts_at": None if wave.starts_at is None else wave.starts_at.isoformat(),
            "unsettled": _unsettled(units.values(), place),
            "devices": sorted(units),
            "body": body,
        }
        yield Export(f"{_HAWKBIT}/wave-{wave.number}-{number}.json", document)


def _unsettled(units: Iterable[Unit], place: int) -> list[str]:
    """Say what nobody knows to hold of a step, or is known not to: whoever sends the request finds it out before."""
    return sorted({condition.words for unit in units for condition in unit.steps[place - 1].conditions if not condition.held})


def _known_as(unit: Unit, kind: str) -> list[str]:
    return [value for of, value in unit.identifiers if of == kind]


def _quoted(value: str) -> str:
    """Quote a value for FIQL; the escapes are those of RSQL."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
