"""What people at the lab's rig wrote down: results of tests by hand, and the owner's answers, as values and as the files that state them.

Who wrote them believes what they say; whether the devices agree is another matter. The relay is the reason for such files: no packet may
reach it, so that only somebody who walks there can tell what it offers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from plumbline.lab.fleet import Fleet

TESTER, OWNER = "A. Walker", "J. Keeper, product security"
NOTE = "camera-menu.txt"  # an attachment
NOTE_TEXT = b"Menu of the camera, photographed by hand: Users > Change password > old, new, again.\n"
PASSWORDS, DEBUG_PORTS, LABEL, SENSORS = "5.1-4", "5.6-4B", "5.3-16", "5.8-3"
POLICY, ENCRYPTION, TELEMETRY, PERSONAL, BOOT = "5.2-1", "5.5-1", "5.10-1", "5.8-1", "5.7-1"
_STANDARD = "etsi-en-303-645"
_DAYS_AGO = 10


@dataclass(frozen=True, slots=True)
class Result:
    """One result by hand; `about` names a device, None the rig; `attachment` says that it comes with a note."""

    subject: str  # <standard>/<provision> or check/<check>
    about: str | None
    verdict: str
    method: str
    observations: str
    attachment: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the owner's; `about` names a device, None the rig."""

    subject: str
    about: str | None
    met: str
    justification: str = ""
    conceptual: str = ""
    functional: str = ""


def results(fleet: Fleet, *, switched: bool) -> tuple[Result, ...]:
    """Give the results by hand of one side."""
    camera = fleet.twin("camera", switched=switched).name
    if not switched:
        return (
            Result(_ref(PASSWORDS), camera, "pass", "test", "Two steps over the menu.", attachment=True),
            Result(_ref(SENSORS), "router-hardened", "not_applicable", "document", "It has no sensor."),
        )
    failed = fleet.weak(switched=True)("manual.test_failed")
    told = "The menu shows the password, and has no way to change it." if failed else "Two steps over the menu."
    return (
        Result(_ref(PASSWORDS), camera, "fail" if failed else "pass", "test", told, attachment=True),
        Result(_ref(DEBUG_PORTS), camera, "pass", "walk_down", "The housing is sealed; its pads cannot be reached."),
        Result(_ref(LABEL), "sensor", "inconclusive", "walk_down", "It hangs too high for its label to be read."),
        Result("check/device.telnet_service", "relay", "pass", "document", "It speaks Modbus alone, says its manual."),
    )


def answers(fleet: Fleet, *, switched: bool) -> tuple[Answer, ...]:
    """Give the owner's answers of one side; those for the rig stand on the weak one."""
    camera = fleet.twin("camera", switched=switched).name
    encrypted = Answer(
        *(_ref(ENCRYPTION), camera, "yes", ""),
        conceptual="All of its services speak TLS 1.2 or later.",
        functional="A capture of a day shows TLS and nothing else.",
    )
    if not switched:
        return (encrypted, Answer(_ref(BOOT), "gateway-hardened", "yes", conceptual="The boot loader checks the kernel's signature."))
    weak = fleet.weak(switched=True)
    policy = (
        Answer(_ref(POLICY), None, "no", "A policy is planned for spring.")
        if weak("declaration.provision_declared_unmet")
        else Answer(_ref(POLICY), None, "yes", functional="The policy stands on the web site.")
    )
    return (
        policy,
        Answer(_ref(TELEMETRY), None, "not_applicable", "No telemetry is collected."),
        Answer(_ref(PERSONAL), "printer", "not_applicable"),  # nobody says why
        *([encrypted] if weak("declaration.contradicted") else []),
    )


def manual(fleet: Fleet, *, switched: bool) -> bytes:
    """Write the file with the results by hand of one side."""
    head = {"tester": TESTER, "performed_at": _when(fleet)}
    return _text(head, "result", [_result(one) for one in results(fleet, switched=switched)])


def declarations(fleet: Fleet, *, switched: bool) -> bytes:
    """Write the file with the owner's answers of one side."""
    head = {"answered_by": OWNER, "answered_at": _when(fleet)}
    return _text(head, "answer", [_answer(one) for one in answers(fleet, switched=switched)])


def _result(one: Result) -> dict[str, object]:
    kind, _, rest = one.subject.partition("/")
    tested = {"check": rest} if kind == "check" else {"provision": one.subject}
    said = {"verdict": one.verdict, "method": one.method, "observations": one.observations}
    return {**tested, **_about(one.about), **said, **({"attachments": [NOTE]} if one.attachment else {})}


def _answer(one: Answer) -> dict[str, object]:
    words = {"justification": one.justification, "conceptual": one.conceptual, "functional": one.functional}
    return {"provision": one.subject, **_about(one.about), "met": one.met, **{key: word for key, word in words.items() if word}}


def _about(device: str | None) -> dict[str, object]:
    return {"rig": True} if device is None else {"asset": device}


def _ref(provision: str) -> str:
    return f"{_STANDARD}/{provision}"


def _when(fleet: Fleet) -> str:
    return f"{fleet.at - timedelta(days=_DAYS_AGO):%Y-%m-%dT%H:%M:%SZ}"


def _text(head: Mapping[str, str], entry: str, entries: list[dict[str, object]]) -> bytes:
    lines = [f"{key} = {value if key.endswith('_at') else json.dumps(value)}" for key, value in head.items()]
    for one in entries:
        lines += ["", f"[[{entry}]]", *(f"{key} = {json.dumps(value)}" for key, value in one.items())]
    return ("\n".join(lines) + "\n").encode()
