"""Collects what people found by hand: tests, walk-downs, interviews, documents read.

    [[result]]
    provision = "etsi-en-303-645/5.1-4"          # or check = "device.telnet_service": what that check asks, answered by hand
    asset = "dock-cam-1"                         # or model = "vendor/model", or rig = true
    verdict = "pass"                             # pass | fail | inconclusive | not_applicable
    tester = "A. Smith"
    method = "test"                              # test | walk_down | interview | document
    performed_at = 2026-11-20T10:00:00Z
    procedure = "what was done"
    observations = "what was seen"
    attachments = ["photo-3.jpg"]

Rules: what frees a provision (pass, not_applicable) needs to be somebody's word: with tester, method and time, and for not_applicable the
reason; a fail counts without them, since dropping it would be the kinder mistake.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from plumbline.collect.by_hand import CheckId, Form, Name, Reference, Stated, Words
from plumbline.collect.context import Context
from plumbline.collect.stating import collect_stated
from plumbline.rig.schema import Instant, Text
from plumbline.rig.values import WrongValueError

TABLES = ("manual_result",)
_FREEING = ("pass", "not_applicable")


class Result(Stated):
    """One `[[result]]`."""

    provision: Reference | None = None
    check: CheckId | None = None
    verdict: Literal["pass", "fail", "inconclusive", "not_applicable", ""]
    tester: Name = None
    method: Literal["test", "walk_down", "interview", "document", ""] = ""
    performed_at: Instant | None = None
    procedure: Words = None
    observations: Words = None
    attachments: list[Text] = Field(default_factory=list)


def claim(said: Result) -> tuple[str, dict[str, Any]] | None:
    """Give subject and columns of a result, None where no verdict is filled in; raises WrongValueError when it claims too much."""
    if said.verdict == "":
        return None
    if (said.provision is None) == (said.check is None):
        raise WrongValueError("must say what was tested, once", "name provision or check")
    lacking = [key for key in ("tester", "method", "performed_at") if not getattr(said, key)]
    if said.verdict in _FREEING and lacking:
        raise WrongValueError(f"says {said.verdict} without {' and '.join(lacking)}", "say who found it, how and when")
    if said.verdict == "not_applicable" and said.observations is None:
        raise WrongValueError("says not_applicable without a reason", "say in observations why nothing of the kind is there")
    subject = said.provision or f"check/{said.check}"
    names = ("provision", "verdict", "tester", "performed_at", "procedure", "observations", "model")
    return subject, {**{key: getattr(said, key) for key in names}, "check_id": said.check, "method": said.method or None}


FORM = Form("manual_result", "result", Result, ("tester", "method", "performed_at"), "attachments", "performed_at", claim)


def collect(context: Context) -> None:
    """Read every file that [[manual]] names."""
    collect_stated(context, [one.path for one in context.rig.manuals], FORM, "verdict")
