"""`plumbline verify`, and how what a verification found is printed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from plumbline.cli.exits import Exit
from plumbline.cli.options import Checks, Json, ReferenceDir, reference_folder
from plumbline.cli.output import draw, grid, print_json, progress, say, table
from plumbline.report.text import number, plural, visible

if TYPE_CHECKING:
    from plumbline.attest.verification import Verification

ARTEFACTS_SHOWN = 100
NAMES_SHOWN = 5

Bundles = Annotated[
    list[Path] | None,
    typer.Option("--bundle", metavar="DIR", help="An assessed bundle that lies neither in OUT nor beside it; may be given again."),
]
Authority = Annotated[
    Path | None,
    typer.Option("--authority", metavar="PEM", help="Certificates of the timestamp authorities that you believe."),
]
Signers = Annotated[
    list[str] | None,
    typer.Option("--signer", metavar="KEY", help="Who must have signed: a public key in PEM, or its fingerprint; may be given again."),
]


def verify(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A sealed folder, a disclosure, or a certificate of destruction.")],
    signers: Signers = None,
    reference: ReferenceDir = None,
    checks: Checks = None,
    bundles: Bundles = None,
    authority: Authority = None,
    quick: Annotated[bool, typer.Option("--quick", help="Check signatures and digests alone; judge nothing once more.")] = False,
    as_json: Json = False,
) -> Exit:
    """Say which sealed files changed, and judge the evidence anew.

    Ends with 1 when a file changed, is missing or was added, the ledger does not follow from the evidence, or a --signer has not signed;
    with 3 when nothing is wrong, but something could not be checked.
    """
    found = verified(path, signers or (), reference, checks, bundles or (), authority, quick=quick)
    if as_json:
        print_json(found.to_json())
    else:
        print_verification(found)
    return Exit.FINDING if found.wrong else Exit.INCOMPLETE if found.unchecked else Exit.OK


def verified(
    path: Path,
    signers: Sequence[str],
    reference: Path | None = None,
    checks: Path | None = None,
    bundles: Sequence[Path] = (),
    authority: Path | None = None,
    *,
    quick: bool = False,
) -> Verification:
    """Verify a sealed folder, a disclosure or a certificate, whichever is at `path`."""
    from plumbline.attest.destruction import verify_certificate
    from plumbline.attest.disclosure import verify_disclosure
    from plumbline.attest.envelope import is_envelope
    from plumbline.attest.keys import load_fingerprint
    from plumbline.attest.verify import Asked
    from plumbline.attest.verify import verify as check

    wanted = tuple(load_fingerprint(one) for one in signers)
    asked = Asked(wanted, reference_folder(reference), checks, tuple(bundles), authority, again=not quick)
    if path.is_file():
        return (verify_certificate if is_envelope(path) else verify_disclosure)(path, asked)
    with progress() as show:
        return check(path, asked, show)


def print_verification(found: Verification) -> None:
    """Print what a verification found: what it is about, who signed, what is not as it was, and each claim."""
    _HEADS[found.kind](found)
    for one in found.signers:
        if not one.holds:
            say(f"The signature by {one.fingerprint} does NOT hold", style="red", whole=True)
        elif one.known:
            say(f"Signed by {one.fingerprint}, as was asked", style="green", whole=True)
        else:
            say(f"SIGNER UNKNOWN: signed by {one.fingerprint}, a key that you did not name with --signer", style="yellow", whole=True)
    counts = ", ".join(f"{count:,} {word.replace('_', ' ')}" for word, count in found.counts().items() if count)
    if found.artefacts:
        say(f"{plural(len(found.artefacts), 'file')}: {counts}")
    touched = [one for one in found.artefacts if one.outcome != "untouched"]
    if touched:
        listed = table("", "file", "where")
        for artefact in touched[:ARTEFACTS_SHOWN]:
            style = "yellow" if artefact.outcome == "not_checked" else "red"
            cells = Text(visible(artefact.name)), Text(visible(artefact.where))
            listed.add_row(Text(artefact.outcome.replace("_", " "), style), *cells)
        draw(listed)
        if len(touched) > ARTEFACTS_SHOWN:
            say(f"and {len(touched) - ARTEFACTS_SHOWN:,} more; --json has all", style="dim")
    words = {True: ("holds", "green"), False: ("does NOT hold", "red"), None: ("could not be checked", "yellow")}
    for claim in found.claims:
        word, style = words[claim.holds]
        say(f"{claim.what}: {word}" + (f": {claim.why}" if claim.why else ""), style=style)
    say(_conclusion(found), style="bold")


def _print_sealed(found: Verification) -> None:
    says = found.says
    if not says:
        return
    about = f"{found.kind} of rig {says.get('rig')}" + (f" as of {says['as_of']}" if says.get("as_of") else "")
    kept = f"; to be kept until {says['retain_until']}" if says.get("retain_until") else ""
    say(f"Seal over the {about}; sealed {says.get('sealed_at')} by the signer's clock{kept}")


def _print_rows(found: Verification) -> None:
    for row in found.rows:
        told = grid(2)
        for name, value in row.items():
            if name not in ("kind", "withheld"):
                told.add_row(
                    "", Text(visible(name)), Text(visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
                )
        withheld = f", {plural(row['withheld'], 'field')} withheld" if row["withheld"] else ""
        say(f"{row['kind']}{withheld}", style="bold")
        draw(told)
    say()


def _print_destruction(found: Verification) -> None:
    from plumbline.attest.destruction import LISTS

    says = found.says
    files = f"{plural(says['files'], 'file')} of the {says.get('holds')} of rig {says.get('rig')}"
    say(f"Certificate of destruction of {files}, sealed {says.get('sealed_at')}", style="bold")
    told = grid(2)
    for name in ("destroyed_at", "by", "reason", "sealed", "retain_until", "before_retain_until"):
        if says.get(name):
            told.add_row("", Text(name.replace("_", " ")), Text(visible(str(says[name]))))
    for name in LISTS:
        if says[name]["count"]:
            told.add_row("", Text(name), Text(visible(f"{number(says[name]['count'])} {', '.join(says[name]['names'][:NAMES_SHOWN])}")))
    draw(told)
    say(str(says.get("proves", "")))


_HEADS = {"bundle": _print_sealed, "assessment": _print_sealed, "rows": _print_rows, "destruction": _print_destruction}


def _conclusion(found: Verification) -> str:
    if found.wrong:
        return "This is NOT what was signed, or not by whom you asked for."
    end = "Nothing has changed since it was signed" + ("." if found.signer_known else "; by whom, nobody has told you.")
    return f"{end} Not all of it could be checked." if found.unchecked else end
