"""`plumbline feeds import | sync | status`: what the world knows of vulnerabilities, in one local store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from plumbline.cli.exits import Exit
from plumbline.cli.options import Json, ReferenceDir, reference_folder
from plumbline.cli.output import draw, print_json, progress, say, table
from plumbline.model.errors import InputError
from plumbline.report.text import day, number, plural, visible

if TYPE_CHECKING:
    from plumbline.evidence.reference import Source
    from plumbline.vulnerabilities.fetching import Publisher
    from plumbline.vulnerabilities.importing import Imported

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

PLACES_SHOWN = 3  # of each reason; --json has more
UNCHANGED_SHOWN = 3
_COUNTED = {"vulnerability": "vulnerabilities", "affected": "ranges", "exploited": "exploited", "exploit_prediction": "predictions"}


@app.command("import")
def import_(
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Files, folders or patterns; what each is, its content tells.")],
    reference: ReferenceDir = None,
    again: Annotated[bool, typer.Option("--again", help="Also files that were taken before and have not changed.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Forget what was known of each source that is imported, even if it was newer.")
    ] = False,
    as_json: Json = False,
) -> Exit:
    """Import feeds of vulnerabilities.

    Reads NVD 2.0, CVE records (JSON 5), CSAF 2.0, OSV, OpenVEX, CycloneDX VEX, CISA's list of exploited vulnerabilities (KEV) and EPSS;
    compressed by gzip, xz or zstandard, or in zip archives.
    """
    from plumbline.evidence.reference import user_store
    from plumbline.vulnerabilities.importing import import_paths

    store = reference or user_store()
    with progress() as show:
        imported = import_paths(paths, store, datetime.now(UTC), show, again=again, replace=replace)
    if as_json:
        print_json({"reference": str(store), **asdict(imported)})
    else:
        _print_imported(imported)
        say(f"Kept in {store}", whole=True)
    return Exit.INPUT if imported.refused_count and not imported.sources and not imported.unchanged else Exit.OK


def _print_imported(imported: Imported) -> None:
    if imported.sources:
        _print_sources(imported.sources)
    say(f"{plural(imported.records, 'record')} read; {plural(imported.refused_count, 'refusal')}")
    for words, reason in sorted(imported.reasons.items(), key=lambda entry: -entry[1].count):
        say()
        say(f"{plural(reason.count, 'refusal')}: {words}", style="yellow")
        for refusal in reason.first[:PLACES_SHOWN]:
            say(f"  {refusal.where}: {refusal.why}")
        if reason.count > PLACES_SHOWN:
            say(f"  and {number(reason.count - PLACES_SHOWN)} more", style="dim")
    if imported.unchanged:
        first, more = ", ".join(imported.unchanged[:UNCHANGED_SHOWN]), ", ..." if len(imported.unchanged) > UNCHANGED_SHOWN else ""
        say(f"{plural(len(imported.unchanged), 'file')} taken before and unchanged: {first}{more}", style="dim")


def _print_sources(sources: Iterable[Source]) -> None:
    listed = table("source", "as of", *_COUNTED.values(), "refused")
    for source in sources:
        counts = [number(source.rows[name]) if source.rows.get(name) else "" for name in _COUNTED]
        listed.add_row(Text(visible(f"{source.id}: {source.title}")), _as_of(source), *counts, number(source.refused_count))
    for column in listed.columns[2:]:
        column.justify = "right"
    draw(listed)


def _as_of(source: Source) -> str:
    from plumbline.vulnerabilities.freshness import right_as_of

    return f"{right_as_of(source):%Y-%m-%d}"


@app.command()
def status(reference: ReferenceDir = None, as_json: Json = False) -> None:
    """Show what was imported, and what is not known today."""
    from plumbline.evidence.reference import Reference
    from plumbline.vulnerabilities.freshness import FRESH_FOR, doubt, doubt_of_exploited, years_held
    from plumbline.vulnerabilities.importing import feed_sources

    now = datetime.now(UTC)
    store = reference_folder(reference)
    known = Reference(store)
    sources = feed_sources(known)
    unknown = [words for words in (doubt(sources, years_held(known), now), doubt_of_exploited(sources, now)) if words is not None]
    if as_json:
        print_json({"reference": str(store), "sources": [_document(source, now) for source in sources], "unknown": unknown})
        return
    listed = table("source", "holds", "as of", "age", "imported", "refused")
    for source in sources:
        entry = _document(source, now)
        age = Text(plural(entry["age_days"], "day") + (", stale" if entry["stale"] else ""), "yellow" if entry["stale"] else "")
        title = Text(visible(f"{source.id}: {source.title}"))
        holds = ", ".join(f"{number(source.rows[name])} {word}" for name, word in _COUNTED.items() if source.rows.get(name))
        listed.add_row(title, holds, _as_of(source), age, day(source.read_at), number(source.refused_count))
    listed.columns[-1].justify = "right"
    if sources:
        draw(listed)
        say()
    for words in unknown:
        say(f"Not known today: {words}", style="yellow")
    if unknown:
        say(f"See `plumbline feeds import --help`. A feed is stale after {FRESH_FOR.days} days.", style="dim")
    say(f"Kept in {store}", whole=True)


@app.command()
def sync(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Publishers to fetch from; without any they are listed.")
    ] = None,
    publishers: Annotated[Path | None, typer.Option(metavar="FILE", help="Your own file of publishers, a mirror for instance.")] = None,
    reference: ReferenceDir = None,
    as_json: Json = False,
) -> Exit:
    """Fetch feeds from their publishers, and import them.

    It goes over the internet, by https, to the addresses of its list alone. What has not changed is not sent again; what was cut short
    goes on at the next run. Audits need no internet: they use what is stored.
    """
    from plumbline.evidence.reference import user_store
    from plumbline.vulnerabilities.fetching import Outcome, fetch, load_publishers
    from plumbline.vulnerabilities.importing import Imported, import_paths

    now = datetime.now(UTC)
    known = load_publishers(publishers, now)
    if not names:
        _list_publishers(known.values(), as_json=as_json)
        return Exit.OK
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"no publisher {unknown[0]!r}", remedy=f"there are {', '.join(known)}")
    store = reference or user_store()
    with progress() as show:
        fetched = [one for name in dict.fromkeys(names) for one in fetch(known[name], store / "downloads", show)]
        paths = [one.path for one in fetched if one.path is not None]
        imported = import_paths(paths, store, now, show) if paths else Imported()
    failed = [one for one in fetched if one.outcome is Outcome.FAILED]
    if as_json:
        print_json({"reference": str(store), "fetched": [asdict(one) for one in fetched], **asdict(imported)})
    else:
        unchanged = sum(one.outcome is Outcome.UNCHANGED for one in fetched)
        say(
            f"{plural(len(fetched) - unchanged - len(failed), 'file')} fetched, {number(unchanged)} unchanged, {number(len(failed))} failed"
        )
        for one in failed:
            say(f"  {one.url}: {one.why}", style="yellow")
        _print_imported(imported)
        say(f"Kept in {store}", whole=True)
    return Exit.INCOMPLETE if failed else Exit.OK


def _list_publishers(known: Iterable[Publisher], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(publisher) for publisher in known])
        return
    listed = table("name", "publisher", "files", "first address")
    for publisher in known:
        cells = (publisher.name, publisher.title, number(len(publisher.urls)), publisher.urls[0] if publisher.urls else "")
        listed.add_row(*(Text(visible(cell)) for cell in cells))
    draw(listed)
    say("Nothing was contacted. Name those to fetch from: `plumbline feeds sync kev epss nvd`", style="dim")


def _document(source: Source, now: datetime) -> dict[str, Any]:
    from plumbline.vulnerabilities.freshness import is_stale, right_as_of

    as_of = right_as_of(source)
    return {
        "id": source.id,
        "kind": source.kind,
        "title": source.title,
        "licence": source.licence,
        "rows": source.rows,
        "as_of": as_of,
        "age_days": max(0, (now - as_of).days),
        "stale": is_stale(source, now),
        "read_at": source.read_at,
        "files": source.files,
        "refused_count": source.refused_count,
        "refused": [asdict(refusal) for refusal in source.refused],
    }
