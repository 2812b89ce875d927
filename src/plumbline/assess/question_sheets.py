"""Open questions as a TOML file to be filled in, and to be named by [[declaration]] or [[manual]] of the rig file.

Not a form: it holds no answer, and as it stands it counts for nothing. Rules: the standard with the fewest questions first, within it the
rig before its models; words of the customer's are quoted; a sheet is never longer than what is read of one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from textwrap import wrap

from plumbline.assess.open_questions import OpenQuestion, OpenQuestions, Sheet
from plumbline.collect.by_hand import ENTRIES_MAX, SIZE_MAX
from plumbline.rig.models import Rig
from plumbline.standards.loading import load_standards
from plumbline.standards.ways import Way

WIDTH = 118
_HEADS = {
    Sheet.DECLARATION: (
        "Questions to the owner that are open",
        'Answer with met = "yes", "no" or "not_applicable" (say why in justification). What is left empty is not answered.',
        'conceptual is how it is designed, functional what was seen that shows it; documents = ["file"] names files beside this one.',
    ),
    Sheet.MANUAL: (
        "Tests by hand that remain",
        'Fill in verdict = "pass", "fail", "inconclusive" or "not_applicable" (and why, in observations). What is empty does not count.',
        'method is "test", "walk_down", "interview" or "document"; attachments = ["photo.jpg"] names files beside this one.',
    ),
}
_SHARED = {Sheet.DECLARATION: ("answered_by", "answered_at"), Sheet.MANUAL: ("tester", "performed_at")}
_ENTRY = {
    Sheet.DECLARATION: ("answer", ('met = ""', 'justification = ""', 'conceptual = ""', 'functional = ""')),
    Sheet.MANUAL: ("result", ('verdict = ""', 'method = "test"', 'procedure = ""', 'observations = ""')),
}


@dataclass(frozen=True, slots=True)
class Written:
    """The text of a sheet, how many questions stand on it, and how many did not fit."""

    text: str
    questions: int
    over: int


def write_sheet(sheet: Sheet, rig: Rig, found: OpenQuestions, now: datetime) -> Written:
    """Write a sheet; one that is longer than what is read is cut after the last question that fits."""
    parts = ["\n".join(_head(sheet, rig, now))]
    size, written = len(parts[0].encode()), 0
    for part, questions in _parts(sheet, found):
        size += len(part.encode()) + 1
        if size > SIZE_MAX or written + questions > ENTRIES_MAX:
            break
        parts.append(part)
        written += questions
    return Written("\n".join(parts), written, found.count - written)


def _head(sheet: Sheet, rig: Rig, now: datetime) -> Iterator[str]:
    title, how, more = _HEADS[sheet]
    yield f"# {title}, {rig.name}, {now:%Y-%m-%d}"
    yield f"# {how}"
    yield f"# {more}"
    yield f"# When it is filled in, name it in [[{sheet}]] of the rig file. Who and when stand once here, or in an entry."
    who, when = _SHARED[sheet]
    yield f'{who} = ""'
    yield f"# {when} = {now:%Y-%m-%dT%H:%M:%SZ}"


def _parts(sheet: Sheet, found: OpenQuestions) -> Iterator[tuple[str, int]]:
    """Give what follows the head piece by piece, each with how many questions it holds."""
    for name, questions in found.standards.items():
        standard = load_standards()[name]
        yield "\n".join(["", *_comment(f"{standard.title}, {standard.version}: {len(questions)} open", "# ==== ")]), 0
        before = None
        for question in questions:
            about = _about(question)
            lines = [] if about == before else ["", *_comment(about, "# -- ")]
            yield "\n".join([*lines, "", *_entry(sheet, question)]), 1
            before = about


def _about(question: OpenQuestion) -> str:
    if question.model is not None:
        return f"{question.model}, {question.assets} declared"
    return question.asset if question.asset is not None else "the rig as a whole"


def _entry(sheet: Sheet, question: OpenQuestion) -> Iterator[str]:
    provision = question.provision
    yield from _comment(f"{provision.ref} ({provision.level}): {provision.title}. {question.text}", "# ")
    if sheet is Sheet.DECLARATION and question.way in (Way.HAND, Way.CHECKS_HAND):
        yield "# A yes alone does not settle it: a test by hand is asked too."
    entry, keys = _ENTRY[sheet]
    yield f"[[{entry}]]"
    yield f"provision = {_quoted(provision.ref)}"
    if question.model is not None:
        yield f"model = {_quoted(question.model)}"
    elif question.asset is not None:
        yield f"asset = {_quoted(question.asset)}"
    else:
        yield "rig = true"
    yield from keys


def _comment(text: str, start: str) -> Iterable[str]:
    return wrap(text, WIDTH, initial_indent=start, subsequent_indent="# ", break_long_words=False, break_on_hyphens=False)


def _quoted(word: str) -> str:
    # A JSON string is a basic string of TOML, as long as nothing is escaped by surrogates.
    return json.dumps(word, ensure_ascii=False)
