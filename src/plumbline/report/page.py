"""What the page and the printed documents have in common: the templates in a language, and what they are filled with.

Not what is said (`data`, `words`, `language`) nor which files are written (`html`, `pdf`). Rules: every text is escaped by the template
engine, and made visible first (`text.visible`), whatever it comes from; nothing that came from evidence becomes an id, a link, a class or
a style. How much of a long list is shown is said by an `Extent`, beside the exact count.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from plumbline.evidence.specs import load_tables
from plumbline.model.words import Layer, Severity, Verdict
from plumbline.report import became, text, words
from plumbline.report.currency import BAD
from plumbline.report.currency_data import Currency
from plumbline.report.data import Report
from plumbline.report.language import Language, language
from plumbline.report.picture import draw
from plumbline.report.tally import Tally
from plumbline.standards.loading import load_standards
from plumbline.updates.judging import State

TEMPLATES = Path(__file__).with_name("templates")
EFFORTS = ("minutes", "hours", "days", "weeks")


@dataclass(frozen=True, slots=True)
class Extent:
    """How many of each list are shown; `exchanges` 0: what was sent is told by device only. `paper`: nothing can be folded or clicked."""

    paper: bool = False
    open_actions: int = 3
    actions: int = 10
    advice: int = 1000
    assets: int = 250
    sources: int = 50
    findings: int = 1000
    evidence: int = 1000
    columns: int = 1000
    sent_devices: int = 100
    exchanges: int = 30
    provisions: int = 1000
    devices: int = 1000
    unjudged: int = 1000
    reasons: int = 1000
    gaps: int = 1000
    unread: int = 10
    profiles: int = 1000
    overlays: int = 200


SCREEN = Extent()


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


def rendered(template: str, report: Report, extent: Extent, **more: Any) -> str:
    """Fill one template in the report's language."""
    tongue = language(report.language)
    failing = [check for check in report.checks if check.tally.failed]
    return (
        _environment(tongue.code)
        .get_template(template)
        .render(
            report=report,
            extent=extent,
            sentence=_sentence(report, tongue),
            proportion=_proportion(report.tally),
            rest_severities=Counter(action.severity for action in report.actions[extent.actions :]),
            efforts=EFFORTS,
            effort_rows=_effort_rows(report),
            picture=draw(report),
            map_assets=report.assets[: extent.assets],
            map_layers=[layer for layer in Layer if any(entry.layer is layer for entry in report.layers)],
            layer_tallies={entry.layer: entry.verdicts for entry in report.layers},
            check_numbers={check.id: number for number, check in enumerate(report.checks, 1)},
            state_checks={state: name for state in BAD if (name := f"update.firmware_{state}") in {check.id for check in failing}},
            failing=failing,
            proven=[check for check in report.checks if check.tally.passed],
            unsaid=_unsaid(report, tongue),
            provision_tallies=_provision_tallies(report),
            **more,
        )
    )


def template_text(name: str) -> str:
    """Read a style or script of ours."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _environment(code: str) -> jinja2.Environment:
    tongue = language(code)
    environment = parser()
    environment.finalize = _Shown(tongue)
    environment.filters.update(
        clip=tongue.clip,
        short=text.short,
        number=tongue.number,
        decimals=tongue.decimals,
        size=tongue.size,
        when=tongue.when,
        day=tongue.day,
        lasted=tongue.lasted,
        capital=lambda words: _capital(tongue.say(words)),
        own=_Own(tongue),
        own_plain=lambda said: tongue.checks.get(said, said),
        kind_word=lambda kind: tongue.say(words.KINDS.get(kind, kind)),
    )
    environment.globals.update(
        gettext=lambda one, /, **values: tongue.markup(one, "", None, **values),
        ngettext=tongue.markup,
        lang=code,
        in_english=Markup("") if code == "en" else Markup(' lang="en"'),
        tongue_of=lambda words: Markup("") if code == "en" or tongue.has(words) else Markup(' lang="en"'),
        layer_words=words.LAYERS,
        verdict_words=words.VERDICTS,
        severity_words=words.SEVERITIES,
        kind_words=words.KINDS,
        part_words=words.PARTS,
        event_words=words.EVENTS,
        outcome_words=words.OUTCOMES,
        effort_words=words.EFFORTS,
        effort_names=words.EFFORT_NAMES,
        intrusion_words=words.INTRUSIONS,
        currency_words=words.CURRENCY,
        claimed_words=words.CLAIMED,
        claimant_words=words.CLAIMANTS,
        basis_words=words.BASES,
        remains_words=words.REMAINS,
        state_words=words.STATES,
        action_words=words.REVIEWS,
        method_words=words.METHODS,
        table_basis=_table_basis,
        standard_titles={standard.id: standard.title for standard in load_standards().values()},
        became_words=became.BECAME,
        became_means=became.BECAME_MEANS,
        why_words=lambda word: became.WHY.get(word) or words.REASONS.get(word, words.UNKNOWN_REASON).means,
        untold_words=lambda word: words.UNTOLD.get(word, words.UNKNOWN_UNTOLD),
        reason_words=lambda word: words.REASONS.get(word) or words.PROVISION_REASONS.get(word, words.UNKNOWN_REASON),
        method=words.METHOD,
        limits=words.LIMITS,
        glossary=words.GLOSSARY,
        signs={"fail": "✕", "inconclusive": "?", "pass": "✓", "not_applicable": "–"},
    )
    environment.globals["_"] = environment.globals["gettext"]
    return environment


def parser() -> jinja2.Environment:
    """Give what reads templates, without words: also for whoever wants to know what templates say."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.newstyle_gettext = True  # type: ignore[attr-defined] # the extension's own switch: values go to `markup` by name
    return environment


class _Shown:
    """Says our texts in the language, and makes every other text visible, before it is escaped."""

    def __init__(self, tongue: Language) -> None:
        self._tongue = tongue

    def __call__(self, value: Any) -> Any:
        if value is None:
            return ""
        return text.visible(self._tongue.say(value)) if isinstance(value, str) and not isinstance(value, Markup) else value


class _Own:
    """Says a check's words in the language; those that it lacks stay English, and are marked as such for who reads them aloud."""

    def __init__(self, tongue: Language) -> None:
        self._tongue = tongue

    def __call__(self, said: str, *, sentence: bool = False, limit: int = 600) -> str:
        shown = self._tongue.clip(self._tongue.checks.get(said, said), limit)
        whole = _as_sentence(shown) if sentence else shown
        if self._tongue.code == "en" or said in self._tongue.checks:
            return whole
        return Markup('<span lang="en">{}</span>').format(text.visible(whole))


def _unsaid(report: Report, tongue: Language) -> int:
    """Count the texts of checks that the language lacks, so that the report tells of them."""
    if tongue.code == "en":
        return 0
    said = {word for check in report.checks for word in (check.title, check.recommendation, check.verify, check.compensate)}
    said |= {word for check in report.checks for word in (check.proves, check.pass_proves)}
    return len(said - tongue.checks.keys())


def _sentence(report: Report, tongue: Language) -> str:
    """Say in two or three sentences what an owner must know first."""
    counts, layers = report.tally, sum(entry.layer is not Layer.RIG for entry in report.layers)
    over = tongue.ngettext("over %(num)s layer", "over %(num)s layers", layers)
    said = [
        tongue.ngettext("One asset was examined %(over)s.", "%(num)s assets were examined %(over)s.", report.assets_count, over=over),
    ]
    if counts.failed:
        said.append(_wrong(report, tongue))
        first = sum(action.severity.rank >= Severity.HIGH.rank for action in report.actions)
        if _grave(report) and first < len(report.actions):
            actions = len(report.actions)
            said.append(tongue.gettext("%(first)s of %(actions)s actions mend all that is critical or high.", first=first, actions=actions))
    elif counts.passed:
        said.append(tongue.gettext("Nothing was found wrong."))
    if counts.inconclusive:
        share = round(100 * counts.inconclusive / counts.asked)
        percent = tongue.number(share) if share else tongue.gettext("less than 1")
        said.append(
            tongue.ngettext(
                "%(num)s question (%(percent)s %%) could not be judged.",
                "%(num)s questions (%(percent)s %%) could not be judged.",
                counts.inconclusive,
                percent=percent,
            )
        )
    elif not counts.asked:
        said.append(tongue.gettext("There was no evidence to judge."))
    if report.currency.asked:
        said.append(_up_to_date(report.currency, tongue))
    return " ".join(said)


def _grave(report: Report) -> dict[Severity, int]:
    return {word: count for word, count in report.severities.items() if count and word.rank >= Severity.HIGH.rank}


def _wrong(report: Report, tongue: Language) -> str:
    on = tongue.ngettext("on %(num)s asset", "on %(num)s assets", report.failed_assets)
    grave = tongue.joined([f"{tongue.number(count)} {tongue.say(words.SEVERITIES[word])}" for word, count in _grave(report).items()])
    return tongue.ngettext(
        "%(num)s thing is wrong %(on)s%(grave)s.",
        "%(num)s things are wrong %(on)s%(grave)s.",
        report.tally.failed,
        on=on,
        grave=f", {grave}" if grave else "",
    )


def _up_to_date(chapter: Currency, tongue: Language) -> str:
    current, unknown = chapter.states[State.CURRENT], chapter.states[State.UNKNOWN]
    rest = tongue.ngettext(", and of %(num)s it cannot be told", ", and of %(num)s it cannot be told", unknown) if unknown else ""
    return tongue.ngettext(
        "Of %(num)s device %(current)s %(behind)s%(rest)s.",
        "Of %(num)s devices %(current)s %(behind)s%(rest)s.",
        chapter.asked,
        current=tongue.ngettext("%(num)s is up to date,", "%(num)s are up to date,", current),
        behind=tongue.ngettext("%(num)s is not", "%(num)s are not", chapter.devices_count),
        rest=rest,
    )


def _provision_tallies(report: Report) -> dict[str, Tally]:
    """Count provisions by verdict, for each standard."""
    counts: dict[str, Counter[Verdict]] = {}
    for one in report.provisions:
        counts.setdefault(one.standard, Counter())[one.verdict] += 1
    order = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_APPLICABLE)
    return {standard: Tally(*(of[verdict] for verdict in order)) for standard, of in counts.items()}


def _table_basis(table: str) -> str:
    """Say on what the rows of a table rest; '' for what is no table of ours."""
    spec = load_tables().get(table)
    return spec.basis.value if spec is not None else ""


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


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _as_sentence(phrase: str) -> str:
    word = phrase.partition(" ")[0]
    # A name that has capitals inside, as minTlsVersion, keeps its own first letter.
    start = phrase if word.lower() != word else _capital(phrase)
    return start + ("" if phrase.endswith(".") else ".")
