"""Collects what the owner answers of provisions, in the manner of TS 103 701: what is met (its ICS), and how (its IXIT).

    [[answer]]
    provision = "etsi-en-303-645/5.1-1"
    model = "vendor/model"                       # or asset = "dock-cam-1", or rig = true
    met = "yes"                                  # yes | no | not_applicable; left empty: not answered
    justification = "why it is not met, or cannot apply"
    conceptual = "how it is designed"
    functional = "what was seen that shows it"
    documents = ["design/passwords.pdf"]
    answered_by = "J. Doe, product security"
    answered_at = 2026-11-20T10:00:00Z

Rules: design and observation stay apart, as they prove different things; an empty `met` is no answer; a yes needs somebody who says so
and when, a no counts without.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from plumbline.collect.by_hand import Form, Name, Reference, Stated, Words
from plumbline.collect.context import Context
from plumbline.collect.stating import collect_stated
from plumbline.rig.schema import Instant, Text
from plumbline.rig.values import WrongValueError

TABLES = ("declaration",)


class Answer(Stated):
    """One `[[answer]]`."""

    provision: Reference
    met: Literal["yes", "no", "not_applicable", ""] = ""
    justification: Words = None
    conceptual: Words = None
    functional: Words = None
    documents: list[Text] = Field(default_factory=list)
    answered_by: Name = None
    answered_at: Instant | None = None


def claim(said: Answer) -> tuple[str, dict[str, Any]] | None:
    """Give subject and columns of an answer, None where it is not given; raises WrongValueError when nobody stands for it."""
    if said.met == "":
        return None
    lacking = [key for key in ("answered_by", "answered_at") if getattr(said, key) is None]
    if said.met != "no" and lacking:
        raise WrongValueError(f"says {said.met} without {' and '.join(lacking)}", "say who answers for it, and when")
    names = ("provision", "met", "justification", "conceptual", "functional", "answered_by", "answered_at", "model")
    return said.provision, {key: getattr(said, key) for key in names}


FORM = Form("declaration", "answer", Answer, ("answered_by", "answered_at"), "documents", "answered_at", claim)


def collect(context: Context) -> None:
    """Read every file that [[declaration]] names."""
    collect_stated(context, [one.path for one in context.rig.declarations], FORM, "met")
