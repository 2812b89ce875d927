"""Whether a component has a vulnerability: of everything that is said about both, what counts.

Pure. Not which statements name the component (`identity`), and not where its rows go (`derive`).

Groups of statements are heard one after the other, and the first that says anything of the component's version decides:

| first | what is said of the very package (its distribution, its package URL); then what is said of its upstream |
|---|---|
| then | by origin: vex, csaf, cna, osv, coordinator, adp, override, nvd (`facts.Origin`) |

Within a group: a single version before a range, a range before a range that cannot be compared, that before `rest`, `rest` before what lies
outside of all ranges. Affected goes before anything else on one level; of VEX the newest.

| status | says |
|---|---|
| affected | a range holds the version |
| fixed | the version is behind a range, a source says so, or the component's changelog names the vulnerability |
| not_affected | the version is before all ranges, or a source says so |
| under_investigation | a source says so, or names the product and says nothing of this version |
| needs_context | affected only on hardware, or within a product, that is not known here |
| not_comparable | the range or the version has no order |

| confidence | when |
|---|---|
| high | vendor, authority or tracker, about the product by its own identifier |
| medium | NVD, ADP, a coordinator; a product known by alias or name alone; found by strings; disputed; a better source not comparable |
| low | a distribution's package judged by upstream's versions: the distribution may have mended it; a package of a language's registry |
|     | known by alias or name alone: the crate `openssl` is not OpenSSL; whatever cannot be compared |
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from plumbline.versions import Scheme, scheme_for, upstream
from plumbline.vulnerabilities.facts import Origin, Status
from plumbline.vulnerabilities.identity import Component, Sure, alias_of
from plumbline.vulnerabilities.namespaces import PACKAGE_TYPES, PACKAGED, is_distribution
from plumbline.vulnerabilities.statement import COMPLETE, Statement

LINUX = ":linux:linux_kernel:"  # of a CPE name: the platform that a package of a Linux distribution runs on
_MEDIUM = frozenset({Origin.NVD, Origin.OVERRIDE, Origin.ADP, Origin.COORDINATOR})


class Finding(StrEnum):
    """What a match comes to; the table of the module says when."""

    AFFECTED = "affected"
    FIXED = "fixed"
    NOT_AFFECTED = "not_affected"
    INVESTIGATED = "under_investigation"
    CONTEXT = "needs_context"
    NOT_COMPARABLE = "not_comparable"

    @property
    def settled(self) -> bool:
        """Whether it says that the component is free of the vulnerability."""
        return self in (Finding.FIXED, Finding.NOT_AFFECTED)


class Confidence(StrEnum):
    """How much a match can be relied on, the most first."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 is high."""
        return list(Confidence).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What is known of one component and one vulnerability."""

    vulnerability: str
    status: Finding
    confidence: Confidence
    reason: str
    origin: Origin | None = None  # None: the component's own changelog
    source: str | None = None
    record: str | None = None
    fixed_in: str | None = None
    remedy: str | None = None
    justification: str | None = None
    tlp: str | None = None
    overruled: bool = False  # a less trusted source calls it affected, or one said on purpose that it is not


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one group of statements says."""

    status: Finding
    statement: Statement
    words: str
    outright: bool = False  # it names the version, or all that are left, and does not only leave it outside


@dataclass(frozen=True, slots=True)
class _Subject:
    """A component, and in which versions and schemes it is held against statements."""

    component: Component
    packaged: bool
    own: Scheme | None
    of_upstream: Scheme | None

    @classmethod
    def of(cls, component: Component) -> _Subject:
        alias = alias_of(component)
        return cls(component, component.packaged, component.package_scheme, alias.scheme if alias else None)

    def version(self, *, far: bool) -> str:
        """Give its version: of the package, or of what it is made from."""
        version = (self.component.source_version or self.component.version) if self.packaged else self.component.version
        return upstream(version, self.own) if version and far and self.own is not None else version or ""

    def schemes(self, statement: Statement, *, far: bool) -> tuple[Scheme, ...]:
        """Give the schemes in which to try, the aptest first."""
        theirs = scheme_for(statement.scheme) if statement.scheme else None
        if self.packaged and not far:
            wanted: tuple[Scheme | None, ...] = (self.own, theirs)
        else:
            wanted = (self.of_upstream, theirs, None if far else self.own, Scheme.FIRMWARE)
        return tuple(dict.fromkeys(scheme for scheme in wanted if scheme is not None))


@dataclass(frozen=True, slots=True)
class _Group:
    """Statements of one origin that are equally near to the component; far ones speak of what a distribution's package is made from."""

    subject: _Subject
    far: bool
    origin: Origin
    statements: tuple[Statement, ...]

    def holds(self, statement: Statement) -> bool | None:
        """Tell whether a statement means the component's version."""
        return statement.holds(self.subject.version(far=self.far), self.subject.schemes(statement, far=self.far))

    def is_below(self, statement: Statement) -> bool:
        """Tell whether a statement's range ends before the component's version."""
        return statement.below(self.subject.version(far=self.far), self.subject.schemes(statement, far=self.far))


_OF_STATUS: Mapping[Status, Finding] = {
    Status.AFFECTED: Finding.AFFECTED,
    Status.FIXED: Finding.FIXED,
    Status.NOT_AFFECTED: Finding.NOT_AFFECTED,
    Status.INVESTIGATED: Finding.INVESTIGATED,
}
_FIRST = (Finding.AFFECTED, Finding.CONTEXT, Finding.INVESTIGATED, Finding.FIXED, Finding.NOT_AFFECTED)  # on one level


def match(component: Component, statements: Iterable[Statement], *, void: frozenset[str], disputed: frozenset[str]) -> Iterator[Match]:
    """Match a component with all statements that may name it; gives one match for each vulnerability, in order of their names.

    `void` are vulnerabilities that were taken back, `disputed` those whose vendor denies them.
    """
    subject = _Subject.of(component)
    by_vulnerability: dict[str, list[Statement]] = defaultdict(list)
    for statement in statements:
        if statement.vulnerability not in void and _applies(statement, component):
            by_vulnerability[statement.vulnerability].append(statement)
    for vulnerability, said in sorted(by_vulnerability.items()):
        if component.fixes is not None and vulnerability in component.fixes:
            words = "the component's own changelog says that it is mended"
            yield Match(vulnerability=vulnerability, status=Finding.FIXED, confidence=Confidence.HIGH, reason=words, overruled=True)
        else:
            yield _judged(list(_groups(subject, said)), disputed=vulnerability in disputed)


def _applies(statement: Statement, component: Component) -> bool:
    """Leave out what is said of another distribution's, or another release's, package of that name."""
    if not is_distribution(statement.namespace) or statement.namespace == component.namespace:
        return True
    return component.namespace is not None and component.namespace.partition(":")[0] == statement.namespace


def _groups(subject: _Subject, said: Iterable[Statement]) -> Iterator[_Group]:
    """Put the statements on one vulnerability in the order in which they are heard."""
    found: dict[tuple[bool, int], list[Statement]] = defaultdict(list)
    for statement in said:
        found[subject.packaged and not _is_of_package(statement), statement.origin.trust].append(statement)
    for (far, _), statements in sorted(found.items(), key=lambda entry: entry[0]):
        yield _Group(subject, far, statements[0].origin, tuple(statements))


def _is_of_package(statement: Statement) -> bool:
    """Tell whether a statement is about a distribution's package, rather than about what it is made from."""
    return is_distribution(statement.namespace) or (statement.purl or "").removeprefix("pkg:").partition("/")[0] in PACKAGE_TYPES


def _judged(groups: Sequence[_Group], *, disputed: bool) -> Match:
    doubts: list[str] = []
    undecided: tuple[_Group, _Answer] | None = None
    for place, group in enumerate(groups):
        answer = _heard(group)
        if answer is not None and answer.status is Finding.NOT_COMPARABLE:
            undecided = undecided or (group, answer)
            doubts.append(f"{group.origin} cannot be compared")
        elif answer is not None:
            meant = answer.outright and group.origin in (Origin.VEX, Origin.CSAF)
            overruled = answer.status.settled and (meant or _denied(groups[place + 1 :]))
            return _made(group, answer, doubts, disputed=disputed, overruled=overruled)
    if undecided is not None:
        return _made(*undecided, [], disputed=disputed, overruled=False)
    silent = _Answer(Finding.INVESTIGATED, groups[0].statements[0], "names the product and says nothing of this version, nor does another")
    return _made(groups[0], silent, [], disputed=disputed, overruled=False)


def _denied(groups: Iterable[_Group]) -> bool:
    """Tell whether a less trusted group calls the component affected."""
    return any((answer := _heard(group)) is not None and answer.status is Finding.AFFECTED for group in groups)


def _heard(group: _Group) -> _Answer | None:
    """Tell what a group says of the component's version; None when it says nothing."""
    named = [(statement, group.holds(statement)) for statement in group.statements if not statement.rest]
    inside = [statement for statement, answer in named if answer]
    for level in ([one for one in inside if one.versions], [one for one in inside if not one.versions]):
        if answer := _chosen(group, level):
            return answer
    outside = [statement for statement, answer in named if answer is False]
    unsure = [statement for statement, answer in named if answer is None and statement.status is Status.AFFECTED]
    # Commits stand beside releases as another way to say the same; alone they are all that is known.
    unsure = [statement for statement in unsure if not statement.of_commits or not (inside or outside)]
    if unsure:
        return _Answer(Finding.NOT_COMPARABLE, unsure[0], _why_unsure(group, unsure[0]))
    if answer := _chosen(group, [statement for statement in group.statements if statement.rest]):
        return answer
    return _outside(group, [statement for statement in outside if statement.status is Status.AFFECTED])


def _why_unsure(group: _Group, statement: Statement) -> str:
    if not group.subject.version(far=group.far):
        return f"calls affected {statement.words}; the component's version is not known"
    if statement.of_commits:
        return "calls affected a range of commits, which no version can be held against"
    if not statement.parsed:
        return f"calls affected what cannot be read as a range: {statement.words}"
    return f"calls affected {statement.words}, with which {group.subject.version(far=group.far)} cannot be compared"


def _chosen(group: _Group, level: Sequence[Statement]) -> _Answer | None:
    """Choose among statements that all mean the version."""
    if group.origin is Origin.VEX:
        newest = max((statement.dated_at for statement in level if statement.dated_at is not None), default=None)
        level = [statement for statement in level if newest is None or statement.dated_at == newest]
    found: dict[Finding, Statement] = {}
    for statement in level:
        status = _OF_STATUS[statement.status]
        if not _is_met(statement.hardware, group.subject.component):
            if status is not Finding.AFFECTED:
                continue  # said of a product that this may not be
            status = Finding.CONTEXT
        found.setdefault(status, statement)
    for status in _FIRST:
        if status in found:
            return _Answer(status, found[status], _outright(status, found[status]), outright=True)
    return None


def _outright(status: Finding, statement: Statement) -> str:
    meant = "all versions that it does not name" if statement.rest else statement.words
    if status is Finding.CONTEXT:
        return f"calls affected {meant}, on or within {' or '.join(statement.hardware[:3])}, which is not known here"
    return f"calls {status.replace('_', ' ')} {meant}"


def _is_met(hardware: Sequence[str], component: Component) -> bool:
    """Tell whether one of the conditions is known to hold: packages of a distribution run on Linux."""
    if not hardware:
        return True
    on_linux = component.manager in PACKAGED or component.manager == "kernel"
    return on_linux and any(name.lower() == "linux" or LINUX in name.lower() for name in hardware)


def _outside(group: _Group, affected: Sequence[Statement]) -> _Answer | None:
    """Tell what it means to lie outside of all that is affected; None where single versions were named by one who need not name all."""
    if not affected or not (group.origin in COMPLETE or any(statement.bounded for statement in affected)):
        return None
    behind = next((statement for statement in affected if group.is_below(statement)), None)
    if behind is not None:
        return _Answer(Finding.FIXED, behind, f"calls affected {behind.words}, which this version is behind")
    return _Answer(Finding.NOT_AFFECTED, affected[0], f"calls affected {affected[0].words}, where this version is not")


def _made(group: _Group, answer: _Answer, doubts: Sequence[str], *, disputed: bool, overruled: bool) -> Match:
    statement = answer.statement
    confidence, why = _confidence(group, answer, doubts, disputed=disputed)
    return Match(
        vulnerability=statement.vulnerability,
        status=answer.status,
        confidence=confidence,
        reason="; ".join([f"{group.origin} ({statement.source}) {answer.words}", *why]),
        origin=group.origin,
        source=statement.source,
        record=statement.record,
        fixed_in=statement.fixed_in,
        remedy=statement.remedy,
        justification=statement.justification if answer.status is Finding.NOT_AFFECTED else None,
        tlp=statement.tlp,
        overruled=overruled,
    )


def _confidence(group: _Group, answer: _Answer, doubts: Sequence[str], *, disputed: bool) -> tuple[Confidence, list[str]]:
    """Give the confidence, and what takes from it."""
    why = list(doubts)
    if answer.statement.sure is Sure.TABLE:
        why.append("the product is known by the table of aliases")
    if answer.statement.sure is Sure.NAME:
        why.append("the product is known by its name alone")
    if group.subject.component.confidence == "string":
        why.append("the component was found by strings in a program")
    if disputed:
        why.append("the vulnerability is disputed")
    if answer.status is Finding.NOT_COMPARABLE:
        return Confidence.LOW, why
    if group.far and not answer.status.settled:
        return Confidence.LOW, [*why, "by upstream's version: the distribution may have mended it"]
    if group.subject.component.of_language and answer.statement.sure is not Sure.OWN and not answer.status.settled:
        return Confidence.LOW, [*why, "a package of a language's registry may have the name of another product"]
    return Confidence.MEDIUM if why or group.origin in _MEDIUM else Confidence.HIGH, why
