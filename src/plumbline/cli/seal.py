"""`plumbline seal | verify`."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from plumbline.cli.collect import now
from plumbline.cli.exits import Exit
from plumbline.cli.options import Checks, Json, ReferenceDir, reference_folder
from plumbline.cli.output import draw, print_json, progress, say, table
from plumbline.model.errors import InputError
from plumbline.report.text import plural, visible

if TYPE_CHECKING:
    from securesystemslib.signer import Signer  # type: ignore[attr-defined]

    from plumbline.attest.verification import Verification

ARTEFACTS_SHOWN = 100

Sealable = Annotated[Path, typer.Argument(metavar="PATH", help="A bundle or an OUT: what `collect`, `assess` or `audit` wrote.")]
Key = Annotated[
    str | None,
    typer.Option("--key", metavar="KEY", help="The signer's private key: a PEM file, or hsm:ID?label=TOKEN. [default: yours]"),
]
Passphrase = Annotated[
    str | None,
    typer.Option("--passphrase", metavar="REF", help="Of an encrypted key, or the PIN: env:NAME or file:PATH. [default: asked]"),
]
Bundles = Annotated[
    list[Path] | None,
    typer.Option("--bundle", metavar="DIR", help="An assessed bundle that lies neither in OUT nor beside it; may be given again."),
]
Authority = Annotated[
    Path | None,
    typer.Option("--authority", metavar="PEM", help="Certificates of the timestamp authorities that you believe."),
]
Timestamp = Annotated[
    str | None,
    typer.Option("--timestamp", metavar="URL", help="Ask this timestamp authority (RFC 3161); it learns a digest."),
]
Day = Annotated[
    datetime | None,
    typer.Option("--retain-until", formats=["%Y-%m-%d"], metavar="DATE", help="Say that nothing is to be destroyed before."),
]
Signers = Annotated[
    list[str] | None,
    typer.Option("--signer", metavar="KEY", help="Who must have signed: a public key in PEM, or its fingerprint; may be given again."),
]


def seal(
    path: Sealable,
    key: Key = None,
    passphrase: Passphrase = None,
    retain_until: Day = None,
    bundles: Bundles = None,
    timestamp: Timestamp = None,
    authority: Authority = None,
    as_json: Json = False,
) -> None:
    """Seal a bundle or an assessment: name every file, and sign.

    Without --key it signs with a key of yours, which is made the first time. Where a seal is there already, it is countersigned.
    """
    from plumbline.attest.seal import seal as make
    from plumbline.attest.timestamp import stamper

    stamp = stamper(timestamp, authority) if timestamp is not None else None
    signer = load_key(key, passphrase, quiet=as_json)
    kept = retain_until.date() if retain_until else None
    with progress() as show:
        made = make(path, signer, now(), retain_until=kept, bundles=bundles or (), stamp=stamp, progress=show)
    if as_json:
        said = {"seal": str(made.path), "files": made.files, "fingerprint": made.signature.fingerprint, "countersigned": made.countersigned}
        print_json({**said, "says": made.facts.predicate()})
        return
    say(f"{'Countersigned' if made.countersigned else 'Wrote'} {made.path}, over {plural(made.files, 'file')}.", whole=True)
    say(f"Key fingerprint, to be compared over another channel: {made.signature.fingerprint}", whole=True)
    if made.facts.rows_missing is not None:
        say(f"Single findings cannot be shown to others: {made.facts.rows_missing}", style="yellow")


def load_key(key: str | None, passphrase: str | None, *, quiet: bool = False) -> Signer:
    """Load the private key that is named, else the user's own, made and told of when there is none."""
    from plumbline.attest.keys import load_signer, make_key, user_key
    from plumbline.attest.tokens import SCHEME, load_token

    secret = _secret(passphrase)
    if key is not None and key.startswith(SCHEME):
        return load_token(key, secret)
    if key is not None:
        return load_signer(Path(key), secret)
    path = user_key()
    if not path.exists():
        make_key(path)
        if not quiet:
            say(f"Made a key of yours: {path}. Keep a copy where nobody else can read it.", whole=True)
    return load_signer(path, secret)


def _secret(reference: str | None) -> Any:
    """Give a function that reads a passphrase, or asks for it, once it is needed."""
    from plumbline.rig.secret_references import SecretReference

    def read() -> bytes:
        if reference is not None:
            try:
                return SecretReference.parse(reference).read(Path.cwd())
            except ValueError as error:
                raise InputError(str(error), where="--passphrase", remedy="give env:NAME or file:PATH") from error
        if not sys.stdin.isatty():
            raise InputError("the key is encrypted, and nobody can be asked", where="--passphrase", remedy="give env:NAME or file:PATH")
        return str(typer.prompt("Passphrase", hide_input=True, err=True)).encode()

    return read


def verify(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A sealed bundle or OUT; or a file of `disclose`.")],
    signers: Signers = None,
    reference: ReferenceDir = None,
    checks: Checks = None,
    bundles: Bundles = None,
    authority: Authority = None,
    quick: Annotated[bool, typer.Option("--quick", help="Check signatures and digests alone; judge nothing once more.")] = False,
    as_json: Json = False,
) -> Exit:
    """Say of each sealed file whether it is as it was, and judge anew.

    Ends with 1 when a file changed, is missing or was added, the ledger does not follow from the evidence, or a --signer has not signed;
    with 3 when nothing is wrong, but something could not be checked.
    """
    from plumbline.attest.disclosure import verify_disclosure
    from plumbline.attest.keys import load_fingerprint
    from plumbline.attest.verify import Asked
    from plumbline.attest.verify import verify as check

    wanted = tuple(load_fingerprint(one) for one in signers or ())
    asked = Asked(wanted, reference_folder(reference), checks, tuple(bundles or ()), authority, again=not quick)
    with progress() as show:
        found = verify_disclosure(path, asked) if path.is_file() else check(path, asked, show)
    if as_json:
        print_json(found.to_json())
    else:
        print_verification(found)
    return Exit.FINDING if found.wrong else Exit.INCOMPLETE if found.unchecked else Exit.OK


def print_verification(found: Verification) -> None:
    """Print what a verification found: who signed first, then what is not as it was, then each claim."""
    says = found.says
    for row in found.rows:
        say(", ".join(f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in row.items() if value != 0))
    if "rig" in says:
        about = f"{found.kind} of rig {says.get('rig')}" + (f" as of {says['as_of']}" if says.get("as_of") else "")
        kept = f"; to be kept until {says['retain_until']}" if says.get("retain_until") else ""
        say(f"Seal over the {about}; sealed {says.get('sealed_at')} by the signer's clock{kept}")
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


def _conclusion(found: Verification) -> str:
    if found.wrong:
        return "This is NOT what was sealed, or not by whom you asked for."
    end = "Nothing has changed since it was sealed" + ("." if found.signer_known else "; by whom, nobody has told you.")
    return f"{end} Not all of it could be checked." if found.unchecked else end
