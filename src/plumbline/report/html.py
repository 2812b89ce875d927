"""report.html: one file that a plant manager, an executive and an engineer can each read; no network, on paper, without scripts.

Not what is said (`data`, `words`): only how it is laid out, in `templates/`. Rules: every text is escaped by the template engine, and
made visible first (`text.visible`), whatever it comes from; nothing that came from evidence becomes an id, a link, a class or a style.
The page's policy allows the one style and the one script that stand in it, by their digests, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from plumbline.model.words import Layer, Severity, Verdict
from plumbline.report import text, words
from plumbline.report.currency import BAD
from plumbline.report.currency_data import Currency
from plumbline.report.data import Report, Tally
from plumbline.report.format import Format
from plumbline.report.picture import draw
from plumbline.updates.judging import State

TEMPLATES = Path(__file__).with_name("templates")
MAP_ASSETS = 250
MAP_SOURCES = 50
SENT_DEVICES = 100
SENT_KINDS = 30
OPEN_ACTIONS = 3
LISTED_ACTIONS = 10
EFFORTS = ("minutes", "hours", "days", "weeks")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the bar under the counts, in thousandths of it."""

    kind: Verdict
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class EffortRow:
    """How many actions of one severity, by effort."""

    severity: Severity
    counts: tuple[int, ...]


def render(report: Report) -> str:
    """Write the whole page."""
    style, script = (TEMPLATES / name for name in ("style.css", "script.js"))
    # Neither file comes from evidence: they are ours, and the only markup that is not escaped.
    style_text, script_text = style.read_text(encoding="utf-8"), script.read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            style=Markup(style_text),
            script=Markup(script_text),
            policy=_policy(style_text, script_text),
            sentence=_sentence(report),
            proportion=_proportion(report.tally),
            open_actions=OPEN_ACTIONS,
            listed_actions=LISTED_ACTIONS,
            rest_severities=Counter(action.severity for action in report.actions[LISTED_ACTIONS:]),
            efforts=EFFORTS,
            effort_rows=_effort_rows(report),
            picture=draw(report),
            map_sources=MAP_SOURCES,
            sent_devices=SENT_DEVICES,
            sent_kinds=SENT_KINDS,
            map_assets=report.assets[:MAP_ASSETS],
            map_layers=[layer for layer in Layer if any(entry.layer is layer for entry in report.layers)],
            layer_tallies={entry.layer: entry.verdicts for entry in report.layers},
            check_numbers={check.id: number for number, check in enumerate(report.checks, 1)},
            state_checks={state: name for state in BAD if (name := f"update.firmware_{state}") in {check.id for check in report.checks}},
            failing=[check for check in report.checks if check.tally.failed],
            proven=[check for check in report.checks if check.tally.passed],
        )
    )


def write(report: Report, out: Path, to: Path) -> list[Path]:  # noqa: ARG001 - the page needs no more than the view
    """Write report.html into `to`."""
    path = to / "report.html"
    path.write_text(render(report), encoding="utf-8")
    path.chmod(0o600)
    return [path]


FORMAT = Format("one self-contained page for people: actions, answers, picture, findings with evidence", ("report.html",), write)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters.update(
        clip=text.clip,
        short=text.short,
        number=text.number,
        plural=text.plural,
        size=text.size,
        when=text.when,
        day=text.day,
        lasted=_lasted,
        sentence=_as_sentence,
        kind_word=lambda kind: words.KINDS.get(kind, kind),
    )
    environment.globals.update(
        layer_words=words.LAYERS,
        verdict_words=words.VERDICTS,
        kind_words=words.KINDS,
        event_words=words.EVENTS,
        effort_words=words.EFFORTS,
        intrusion_words=words.INTRUSIONS,
        currency_words=words.CURRENCY,
        claimed_words=words.CLAIMED,
        untold_words=lambda word: words.UNTOLD.get(word, words.UNKNOWN_UNTOLD),
        reason_words=lambda word: words.REASONS.get(word, words.UNKNOWN_REASON),
        method=words.METHOD,
        limits=words.LIMITS,
        glossary=words.GLOSSARY,
        signs={"fail": "✕", "inconclusive": "?", "pass": "✓", "not_applicable": "–"},
    )
    return environment


def _shown(value: Any) -> Any:
    if value is None:
        return ""
    return text.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _policy(style: str, script: str) -> str:
    def digest(content: str) -> str:
        return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()

    return (
        f"default-src 'none'; style-src 'sha256-{digest(style)}'; script-src 'sha256-{digest(script)}'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )


def _sentence(report: Report) -> str:
    """Say in two or three sentences what an owner must know first."""
    counts, layers = report.tally, [entry for entry in report.layers if entry.layer is not Layer.RIG]
    said = [f"{text.plural(report.assets_count, 'asset')} were examined over {text.plural(len(layers), 'layer')}."]
    if report.assets_count == 1:
        said = [f"One asset was examined over {text.plural(len(layers), 'layer')}."]
    if counts.failed:
        grave = [f"{text.number(count)} {word}" for word, count in report.severities.items() if count and word.rank >= Severity.HIGH.rank]
        of_them = f", {text.joined(grave)}" if grave else ""
        wrong = text.plural(counts.failed, "thing is", "things are")
        said.append(f"{wrong} wrong on {text.plural(report.failed_assets, 'asset')}{of_them}.")
        first = sum(action.severity.rank >= Severity.HIGH.rank for action in report.actions)
        if grave and first < len(report.actions):
            said.append(f"{text.number(first)} of {text.number(len(report.actions))} actions mend all that is critical or high.")
    elif counts.passed:
        said.append("Nothing was found wrong.")
    if counts.inconclusive:
        share = round(100 * counts.inconclusive / counts.asked)
        said.append(f"{text.plural(counts.inconclusive, 'question')} ({share or 'less than 1'} %) could not be judged.")
    elif not counts.asked:
        said.append("There was no evidence to judge.")
    if report.currency.asked:
        said.append(_up_to_date(report.currency))
    return " ".join(said)


def _up_to_date(chapter: Currency) -> str:
    current, unknown = chapter.states[State.CURRENT], chapter.states[State.UNKNOWN]
    said = [
        f"{text.number(count)} {'is' if count == 1 else 'are'} {word}"
        for count, word in ((current, "up to date"), (chapter.devices_count, "not"))
    ]
    rest = f", and of {text.number(unknown)} it cannot be told" if unknown else ""
    return f"Of {text.plural(chapter.asked, 'device')} {', '.join(said)}{rest}."


def _proportion(counts: Tally) -> list[Part]:
    parts, x = [], 0.0
    for kind, count in ((Verdict.FAIL, counts.failed), (Verdict.INCONCLUSIVE, counts.inconclusive), (Verdict.PASS, counts.passed)):
        width = round(1000 * count / max(1, counts.asked), 2)
        parts.append(Part(kind, round(x, 2), width))
        x += width
    return parts


def _effort_rows(report: Report) -> list[EffortRow]:
    rows = [
        EffortRow(severity, tuple(sum(a.severity is severity and a.effort == effort for a in report.actions) for effort in EFFORTS))
        for severity in reversed(Severity)
    ]
    return [row for row in rows if any(row.counts)]


def _lasted(start: datetime, end: datetime) -> str:
    seconds = max(0, round((end - start).total_seconds()))
    if seconds < 60:
        return text.plural(seconds, "second") if seconds else "less than a second"
    minutes, hours = seconds // 60, seconds // 3600
    return text.plural(minutes, "minute") if minutes < 120 else f"{hours} h {minutes % 60} min"


def _as_sentence(phrase: str) -> str:
    word = phrase.partition(" ")[0]
    # A name that has capitals inside, as minTlsVersion, keeps its own first letter.
    start = phrase if word.lower() != word else phrase[:1].upper() + phrase[1:]
    return start + ("" if phrase.endswith(".") else ".")
