"""`plumbline catalogue import | search | show`: what the world knows of device models, their releases and their support."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from plumbline.cli.options import Json, ReferenceDir, reference_folder
from plumbline.cli.output import draw, grid, print_json, say, table
from plumbline.model.errors import InputError
from plumbline.report.text import clip, day, joined, number, plural, visible

if TYPE_CHECKING:
    from plumbline.catalogue.advisories import Advisory
    from plumbline.catalogue.facts import Support
    from plumbline.catalogue.known import Catalogue, Known
    from plumbline.catalogue.ordering import Edition
    from plumbline.catalogue.search import Found, Hit
    from plumbline.evidence.engine import Connection
    from plumbline.evidence.reference import Source

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

REFUSED_SHOWN = 5
LINES_SHOWN = 20  # of a list within `show`; --json has all
_STYLES = {"retracted": "red", "revoked": "red", "superseded": "dim"}
Facet = Annotated[str | None, typer.Option(metavar="VALUE")]


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files or folders; the form of each is found out.")],
    reference: ReferenceDir = None,
    only: Annotated[str | None, typer.Option("--from", metavar="IMPORTER", help="Take only what this importer reads.")] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], metavar="DATE", help="The day for which the files are right. [default: what they say, else today]"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Import products, releases and support dates.

    Reads CSV and TOML of your own, Azure Device Update manifests, Zigbee OTA indexes, zigbee-herdsman-converters, the Matter ledger, LVFS
    metadata, endoflife.date and the product trees of CSAF advisories.
    """
    from plumbline.catalogue.intake import import_files
    from plumbline.evidence.reference import user_store

    moment = as_of.replace(tzinfo=UTC) if as_of else None
    store = reference or user_store()
    imported = import_files(paths, store, now=datetime.now(UTC), only=only, as_of=moment)
    if as_json:
        print_json({"reference": str(store), **asdict(imported)})
        return
    listed = table("source", "products", "releases", "support", "refused")
    for source in imported.sources:
        counts = [number(source.rows.get(name, 0)) for name in ("product", "release", "support")]
        listed.add_row(Text(visible(f"{source.id}: {source.title}")), *counts, Text(number(source.refused_count)))
    for column in listed.columns[1:]:
        column.justify = "right"
    draw(listed)
    for source in imported.sources:
        _print_refused(source)
    if imported.passed_over_count:
        first, more = ", ".join(imported.passed_over[:2]), ", ..." if imported.passed_over_count > 2 else ""
        say(f"{plural(imported.passed_over_count, 'file')} of no form that can be imported: {first}{more}", style="dim")
    say(f"Kept in {store}", whole=True)


def _print_refused(source: Source) -> None:
    if source.refused_count:
        say()
        say(f"{source.id} refused {plural(source.refused_count, 'record')}:", style="yellow")
        for refusal in source.refused[:REFUSED_SHOWN]:
            say(f"  {refusal.where}: {refusal.why}")
        if source.refused_count > REFUSED_SHOWN:
            say(f"  and {number(source.refused_count - REFUSED_SHOWN)} more; --json names them", style="dim")


@app.command()
def search(
    words: Annotated[list[str] | None, typer.Argument(metavar="WORDS", help="Each must occur in a name, title or identifier.")] = None,
    vendor: Facet = None,
    protocol: Facet = None,
    sensor: Facet = None,
    vertical: Facet = None,
    device_class: Annotated[str | None, typer.Option("--class", metavar="VALUE")] = None,
    unsupported: Annotated[bool, typer.Option("--unsupported", help="Only products whose security support has ended.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="List at most this many.")] = 20,
    reference: ReferenceDir = None,
    as_json: Json = False,
) -> None:
    """Search products by words and facets."""
    from plumbline.catalogue.search import Query
    from plumbline.catalogue.search import search as find

    wanted = {"vendor": vendor, "protocol": protocol, "sensor": sensor, "vertical": vertical, "class": device_class}
    query = Query(tuple(words or ()), {name: value for name, value in wanted.items() if value is not None}, unsupported)
    with _opened(reference) as (connection, _):
        found = find(connection, query, datetime.now(UTC), limit=limit)
    if as_json:
        print_json(asdict(found))
    else:
        _print_found(found, query.facets)


def _print_found(found: Found, narrowed: Iterable[str]) -> None:
    if found.hits:
        listed = table("product", "what it is", "senses", "releases", "supported until")
        listed.columns[3].justify = "right"
        for hit in found.hits:
            listed.add_row(
                Text(visible(hit.product)),
                Text(visible(hit.title or "")),
                Text(joined(hit.sensors)),
                number(hit.releases) if hit.releases else "",
                _until(hit),
            )
        draw(listed)
        say()
    more = f"; {number(len(found.hits))} shown" if found.count > len(found.hits) else ""
    say(f"{plural(found.count, 'product')}{more}")
    listed = grid()
    for name, values in found.facets.items():
        if name not in narrowed and len(values) > 1:
            listed.add_row(name, Text("   ".join(f"{visible(value)} {number(count)}" for value, count in values)))
    if listed.row_count:
        draw(listed)


def _until(hit: Hit) -> Text:
    if hit.supported_until is None:
        return Text("ended", "red") if hit.support_ended else Text("")
    return Text(f"{hit.supported_until:%Y-%m-%d}", "red" if hit.support_ended else "")


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="PRODUCT", help="vendor/model, another name of it, or an identifier: zigbee:4447/6424.")],
    reference: ReferenceDir = None,
    as_json: Json = False,
) -> None:
    """Show what is known of one product, with source and date."""
    from plumbline.catalogue.advisories import advisories
    from plumbline.catalogue.known import Catalogue

    with _opened(reference) as (connection, sources):
        catalogue = Catalogue(connection)
        known = _one(catalogue, name)
        said = advisories(connection, [known]).get(known.product, ())
    if as_json:
        print_json(_document(known, said))
        return
    titles = [product.title for product in known.products if product.title]
    say(f"{known.product}{': ' + titles[0] if titles else ''}", style="bold")
    _print_facts(known)
    _print_releases(known)
    _print_support(known)
    _print_advisories(said)
    _print_sources(known, said, sources)


def _one(catalogue: Catalogue, name: str) -> Known:
    found = catalogue.resolve(name)
    if found.product is None:
        remedy = f"it may be {_some(found.candidates, 5)}" if found.candidates else "see `plumbline catalogue search WORDS`"
        raise InputError(f"{'several products have' if found.candidates else 'no product has'} the name {name!r}", remedy=remedy)
    return catalogue.known([found.product])[found.product]


def _print_facts(known: Known) -> None:
    rows: dict[str, dict[str, list[str]]] = {}
    for product in known.products:
        for column in (
            "vendor",
            "model",
            "title",
            "device_class",
            "sensors",
            "protocols",
            "verticals",
            "hardware",
            "aliases",
            "identifiers",
            "url",
        ):
            value = getattr(product, column)
            words = ", ".join(value) if isinstance(value, tuple) else value
            if words:
                rows.setdefault(column, {}).setdefault(words, []).append(product.source)
    listed = grid()
    for column, said in rows.items():
        for at, (words, sources) in enumerate(said.items()):
            label = "class" if column == "device_class" else column
            listed.add_row(label if at == 0 else "", _sourced(clip(words), sources))
    if known.with_:
        listed.add_row("updates as", Text(visible(_some(known.with_, 10))))
    draw(listed)


def _print_releases(known: Known) -> None:
    line = known.line
    if not line.editions:
        return
    order = {"sequence": "their maker's sequence", "released_at": "date", "version": "version"}[line.basis]
    _heading(
        f"{plural(len(line.editions), 'release')}, newest first, by {order}{'' if line.certain else '; the order of some is not certain'}"
    )
    listed = table("version", "released", "state", "installs from", "fixes", "source")
    for edition in list(reversed(line.editions))[:LINES_SHOWN]:
        style = _STYLES.get(edition.state, "")
        released = f"{edition.released_at:%Y-%m-%d}" if edition.released_at else ""
        cells = (
            _version(edition),
            released,
            edition.state.value,
            _from(edition),
            _some(edition.fixes or (), 4),
            ", ".join(edition.sources),
        )
        listed.add_row(*(Text(visible(cell), style) for cell in cells))
    listed.columns[0].min_width = 8
    draw(listed)
    _rest(len(line.editions))
    for conflict in line.conflicts:
        say(f"Sources disagree: {conflict}", style="yellow")


def _version(edition: Edition) -> str:
    extra = [] if edition.channel == "stable" else [edition.channel]
    if edition.hardware:
        extra.append(f"hardware {edition.hardware[0]}" + (f" to {edition.hardware[-1]}" if len(edition.hardware) > 1 else ""))
    return edition.version + (f" ({', '.join(extra)})" if extra else "")


def _from(edition: Edition) -> str:
    if edition.min_from and edition.max_from:
        return f"{edition.min_from} to {edition.max_from}"
    return f"{edition.min_from} on" if edition.min_from else f"up to {edition.max_from}" if edition.max_from else ""


def _print_support(known: Known) -> None:
    if not known.supports:
        return
    _heading("Support")
    listed = table("branch", "newest", "security support ends", "ends", "sales end", "source")
    today = datetime.now(UTC)
    supports = sorted(known.supports, key=lambda one: one.available_at or datetime.min.replace(tzinfo=UTC), reverse=True)
    for support in supports[:LINES_SHOWN]:
        newest = (support.latest or "") + (f" ({support.latest_at:%Y-%m-%d})" if support.latest_at else "")
        cells = [
            support.cycle or "all",
            newest,
            _ending(support),
            *(f"{at:%Y-%m-%d}" if at else "" for at in (support.ends_at, support.sales_end_at)),
        ]
        end = support.security_ends_at or support.ends_at
        over = end < today if end else bool(support.ended)
        listed.add_row(*(Text(visible(cell), "red" if over else "") for cell in cells), Text(visible(support.source)))
    draw(listed)
    _rest(len(supports))


def _ending(support: Support) -> str:
    if support.security_ends_at is not None:
        return f"{support.security_ends_at:%Y-%m-%d}"
    return "" if support.ended is None else "ended" if support.ended else "goes on"


def _print_advisories(said: Sequence[Advisory]) -> None:
    if not said:
        return
    _heading(f"{plural(len({one.vulnerability for one in said}), 'vulnerability', 'vulnerabilities')} of the product itself")
    listed = table("vulnerability", "status", "versions", "mended in", "source")
    for one in sorted(said, key=lambda one: (not one.exploited, one.vulnerability))[:LINES_SHOWN]:
        name = one.vulnerability + (" (exploited)" if one.exploited else "")
        cells = (name, one.status.replace("_", " "), clip(one.words, 60), one.fixed_in or "", f"{one.source} ({one.origin})")
        listed.add_row(*(Text(visible(cell), "red" if one.exploited else "") for cell in cells))
    draw(listed)
    _rest(len(said))


def _print_sources(known: Known, said: Sequence[Advisory], sources: dict[str, Source]) -> None:
    named = sorted({row.source for rows in (known.products, known.releases, known.supports, said) for row in rows})
    _heading("Sources")
    listed = grid()
    for name in named:
        source = sources.get(name)
        if source is not None:
            dated = f", says that it is right as of {day(source.dated_at)}" if source.dated_at else ""
            listed.add_row(name, Text(visible(f"{source.title}, read on {day(source.read_at)}{dated}")))
    draw(listed)


def _document(known: Known, said: Sequence[Advisory]) -> dict[str, Any]:
    editions = [{name: value for name, value in asdict(edition).items() if name != "releases"} for edition in known.line.editions]
    return {
        "product": known.product,
        "updates_as": known.with_,
        "products": [asdict(one) for one in known.products],
        "order": {"by": known.line.basis, "certain": known.line.certain},
        "editions": editions,
        "conflicts": known.line.conflicts,
        "releases": [asdict(one) for one in known.releases],
        "support": [asdict(one) for one in known.supports],
        "advisories": [asdict(one) for one in said],
    }


def _heading(words: str) -> None:
    say()
    say(words, style="bold")


def _rest(count: int) -> None:
    if count > LINES_SHOWN:
        say(f"and {number(count - LINES_SHOWN)} more; --json has all", style="dim")


def _sourced(words: str, sources: Iterable[str]) -> Text:
    return Text(visible(words)).append(f"  {visible(', '.join(dict.fromkeys(sources)))}", "dim")


def _some(words: Sequence[str], limit: int) -> str:
    rest = len(words) - limit
    return ", ".join(words[:limit]) + (f" and {number(rest)} more" if rest > 0 else "")


class _opened:  # noqa: N801 - reads as a verb: `with _opened(reference) as (connection, sources)`
    """Open the reference data in an engine; raises InputError where nothing of a catalogue was imported."""

    def __init__(self, reference: Path | None) -> None:
        self._folder = reference_folder(reference)

    def __enter__(self) -> tuple[Connection, dict[str, Source]]:
        from plumbline.assess.deriving import define_reference
        from plumbline.evidence.engine import connect
        from plumbline.evidence.reference import Reference

        known = Reference(self._folder)
        if not known.parts("product"):
            raise InputError("no product was imported yet", where=str(self._folder), remedy="see `plumbline catalogue import --help`")
        self._connection = connect()
        define_reference(self._connection, known)
        return self._connection, dict(known.sources)

    def __exit__(self, *_: object) -> None:
        self._connection.close()
