"""Writes the pages that are made from tables, checks and standards: `make docs`. A test fails when a page differs from what this gives."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

from plumbline.checks.check import Check
from plumbline.checks.registry import load_registry
from plumbline.collect.host.commands import prelude, rows
from plumbline.collect.host.snmp_session import COLUMNS, SCALARS
from plumbline.collect.network.registry import load_probes
from plumbline.evidence.specs import COMMON, COVERAGE, TableSpec, load_tables
from plumbline.model.words import Layer
from plumbline.standards.loading import load_standards
from plumbline.standards.profiles import load_profiles
from plumbline.standards.standard import AskedOf, Confidence, Provision, Standard
from plumbline.standards.ways import Way, applies_when, way

DOCS = Path(__file__).parent
NOTE = "<!-- Written by `make docs`; change the source instead. -->\n"
NO_CONFORMITY = (
    "What is tested, and what is left to do by hand. Ids and status are the standard's, the words are ours; only the standard itself "
    "says what it demands, and no verdict here states that anything conforms to it."
)


def pages() -> Mapping[str, str]:
    """All generated pages by their path below docs/."""
    checks = list(load_registry().checks.values())
    return {
        "generated/tables.md": tables_page(load_tables(), checks),
        "generated/probes.md": probes_page(),
        "generated/reading-commands.md": commands_page(),
        "generated/checks.md": index_page(checks),
        **{f"generated/checks-{layer}.md": layer_page(layer, [c for c in checks if c.layer is layer]) for layer in Layer},
        "generated/standards.md": standards_page(),
        **{f"generated/standards/{name}.md": standard_page(standard) for name, standard in load_standards().items()},
    }


def tables_page(tables: Mapping[str, TableSpec], checks: list[Check]) -> str:
    """Every table: what a row is, each column, what null says, and which checks read it."""
    out = [NOTE, "# Tables", "", "Every row also has: " + ", ".join(f"`{name}`" for name in COMMON) + ".", ""]
    out += ["Coverage, one row for each attempt: " + ", ".join(f"`{name}`" for name in COVERAGE) + ".", ""]
    for spec in tables.values():
        kinds, row_kinds = (" or ".join(kind.value for kind in some) for some in (spec.kinds, spec.row_kinds))
        kind = f"{row_kinds} (coverage: {kinds})" if spec.by_source else kinds
        readers = [check.id for check in checks if check.subjects == spec.name]
        subject = spec.subject.replace("|", "\\|")
        place = f"Layer {spec.layer.value}; about: {kind}; subject: {subject}; basis: {spec.basis.value}; since {spec.since}."
        out += [f"## {spec.name}", "", spec.about, "", place, ""]
        if readers:
            out += ["Judged by: " + ", ".join(_link(name) for name in readers) + ".", ""]
        out += ["| column | type | meaning | null says |", "|---|---|---|---|"]
        for column in spec.columns.values():
            unit = f" ({column.unit})" if column.unit else ""
            out.append(f"| `{column.name}` | {column.type}{unit} | {_cell(column.about)} | {_cell(column.null)} |")
        out.append("")
    return "\n".join(out)


def probes_page() -> str:
    """Every probe: what it asks, how hard it presses, and the most exchanges that it makes."""
    out = [NOTE, "# Probes: what is asked of a device", "", "Nothing else is ever sent. The door counts each exchange and logs it.", ""]
    for probe in load_probes().values():
        ports = ", ".join(str(port) for port in sorted(probe.ports | probe.tls_ports))
        words = (sys.modules[probe.run.__module__].__doc__ or "").strip()
        industrial = " Industrial: a device that answers is held to the limits of class `ot`." if probe.industrial else ""
        facts = (
            f"Usual ports {probe.transport.value} {ports}; from intrusion `{probe.intrusion.word}`; at most {probe.exchanges} exchanges."
        )
        fills = "Fills " + ", ".join(f"[{table}](tables.md#{table})" for table in probe.tables) + "."
        out += [f"## {probe.protocol}", "", words, "", facts + industrial, "", fills, ""]
    return "\n".join(out)


def commands_page() -> str:
    """Everything that a login of the customer's runs or reads, and the script of hostkit runs."""
    out = [NOTE, "# What is run on a system that is seen from inside", ""]
    out += ["A `[[login]]` of kind ssh and the script of `plumbline hostkit` run this list, in this order, and nothing else.", ""]
    out += ["Before each text stands:", "", "```sh", prelude().strip(), "```", ""]
    for row in rows():
        tables = ", ".join(f"[{table}](tables.md#{table})" for table in row["tables"].split(", "))
        out += [f"## {row['id']}", "", f"Reads {row['reads']}.", "", f"- As root: {row['as root']}; at most {row['at most']}"]
        out += [f"- Gives: {row['gives']}", f"- For {tables}", "", "```sh", row["text"].strip(), "```", ""]
    out += [
        "# What is read over SNMPv3",
        "",
        "A `[[login]]` of kind snmp reads these objects with GET, and walks these columns with GETBULK.",
        "",
    ]
    out += ["| object | OID | how |", "|---|---|---|"]
    out += [f"| {name} | {oid} | GET |" for name, oid in SCALARS.items()] + [
        f"| {name} | {oid} | walked |" for name, oid in COLUMNS.items()
    ]
    return "\n".join([*out, ""])


def index_page(checks: list[Check]) -> str:
    """All checks by layer, with severity."""
    out = [NOTE, "# Checks", "", f"{len(checks)} checks. Try one: `plumbline checks show ID`.", ""]
    for layer, members in groupby(checks, key=lambda check: check.layer):
        out += [f"## {layer.value}", "", "| check | severity | what its fail proves |", "|---|---|---|"]
        out += [f"| {_link(check.id)} | {check.severity.value} {check.score} | {_cell(check.proves)} |" for check in members]
        out.append("")
    return "\n".join(out)


def layer_page(layer: Layer, checks: list[Check]) -> str:
    """The checks of one layer, whole."""
    out = [NOTE, f"# Checks of layer {layer.value}", ""]
    for check in checks:
        out += [f"## {check.id}", "", f"**{check.title}** ({check.severity.value} {check.score}, `{check.cvss}`)", ""]
        out += [f"- Judges: [{check.subjects}](tables.md#{check.subjects})", f"- A fail proves: {check.proves}"]
        out += [f"- A pass proves: {check.pass_proves}", f"- Do: {check.recommendation} ({check.effort.value})"]
        out += [f"- Until then: {check.compensate}", f"- Verify: {check.verify}", f"- Evidence for: {', '.join(check.provisions)}"]
        out += list(_needs(check))
        out += [f"- Parameter `{p.name}` (default {p.default}): {p.about}" for p in check.parameters.values()]
        out += ["", "```sql", check.query.strip(), "```", ""]
        out += ["| example | verdicts |", "|---|---|"]
        for example in check.examples:
            verdicts = ", ".join(row.verdict.value + (f" ({row.reason})" if row.reason else "") for row in example.expect)
            out.append(f"| {_cell(example.name)} | {verdicts} |")
        out.append("")
    return "\n".join(out)


def standards_page() -> str:
    """All standards, how their provisions are answered, and the profiles."""
    out = [NOTE, "# Standards", "", NO_CONFORMITY, ""]
    out += [f"| standard | version | provisions | {' | '.join(Way)} |", "|---" * (3 + len(Way)) + "|"]
    for standard in load_standards().values():
        counts = _ways(standard)
        cells = [str(counts[one] or "") for one in Way]
        link = f"[{_cell(standard.title)}](standards/{standard.id}.md)"
        out.append(f"| {link} | {_cell(standard.version)} | {len(standard.provisions)} | {' | '.join(cells)} |")
    out += ["", "# Profiles", "", "A rig file names profiles or standards: `[standards] assess`.", ""]
    out += ["| profile | provisions | may fail | may be inconclusive | passes rest on | about |", "|---|---|---|---|---|---|"]
    for profile in load_profiles().values():
        if profile.id not in load_standards():
            limits = f"{profile.thresholds.fail} | {profile.thresholds.inconclusive} | {', '.join(profile.accepts)}"
            out.append(f"| `{profile.id}` | {len(profile.provisions)} | {limits} | {_cell(profile.about)} |")
    return "\n".join(out)


def standard_page(standard: Standard) -> str:
    """What is tested of one standard, and what must still be done by hand."""
    counts = _ways(standard)
    out = [NOTE, f"# {standard.title}", "", f"Version {standard.version}, {standard.date}; {standard.publisher}. <{standard.url}>", ""]
    out += [NO_CONFORMITY, "", f"Licence: {standard.licence}.", "", f"Notes: {standard.notes}", ""]
    if standard.conditions or standard.features:
        out += ["Nothing becomes not applicable by itself: where what follows `Applies when` does not hold, a person says so, and why.", ""]
    out += ["| what a pass takes | provisions |", "|---|---|"]
    out += [f"| {one} | {counts[one]} |" for one in Way if counts[one]]
    out += [f"| **all** | **{len(standard.provisions)}** |", ""]
    out += ["| provision | level | checks | left to do | title |", "|---|---|---|---|---|"]
    for provision in standard.provisions.values():
        checks = len(load_registry().naming(provision.ref))
        left, link = way(provision, bool(checks)).left, f"[{provision.id}](#{_anchor(provision.id)})"
        out.append(f"| {link} | {provision.level} | {checks or ''} | {left} | {_cell(provision.title)} |")
    for provision in standard.provisions.values():
        out += ["", f"## {provision.id}", "", f"**{provision.title}.** {provision.summary}", "", *_means(standard, provision)]
    return "\n".join(out)


def _means(standard: Standard, provision: Provision) -> Iterator[str]:
    checks = load_registry().naming(provision.ref)
    status = "" if provision.status == provision.level else f" (`{provision.status}`)"
    asked = "the rig" if provision.per is AskedOf.RIG else f"each {provision.per}"
    yield f"- Level: {provision.level}{status}; asked of {asked}; a pass takes {way(provision, bool(checks))}"
    if applies := applies_when(standard, provision):
        yield f"- Applies when: {'; '.join(applies)}"
    if provision.confidence is not Confidence.HIGH:
        yield f"- Confidence that these words say what the standard does: {provision.confidence}"
    if checks:
        yield "- Checks, which " + ("prove it alone:" if provision.whole else "contribute and leave something open:")
    yield from (f"  - {_link(check.id, '../')}: {check.title}" for check in checks)
    for word, text in (("Ask the owner", provision.declare), ("By hand", provision.manual), ("Cannot be told", provision.gap)):
        if text is not None:
            yield f"- {word}: {text}"


def _ways(standard: Standard) -> Counter[Way]:
    return Counter(way(one, bool(load_registry().naming(one.ref))) for one in standard.provisions.values())


def _needs(check: Check) -> Iterator[str]:
    for word, needs in (("pass", check.pass_needs), ("fail", check.fail_needs)):
        if needs:
            yield f"- A {word} needs, wholly collected: {', '.join(f'`{need}`' for need in needs)}"


def _link(name: str, up: str = "") -> str:
    layer = name.partition(".")[0]
    return f"[{name}]({up}checks-{layer}.md#{name.replace('.', '')})"


def _anchor(heading: str) -> str:
    return re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main() -> None:
    """Write every page."""
    for name, text in pages().items():
        (DOCS / name).parent.mkdir(parents=True, exist_ok=True)
        (DOCS / name).write_text(text.rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
