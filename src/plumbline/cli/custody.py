"""`plumbline disclose | unseal | destroy`: what of a sealed folder is shown to others, came from others, and goes in the end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plumbline.cli.collect import now
from plumbline.cli.exits import Exit
from plumbline.cli.options import Json
from plumbline.cli.output import print_json, say
from plumbline.cli.seal import Key, Passphrase, load_key, say_left
from plumbline.cli.verify import Bundles, Signers, print_verification, verified
from plumbline.report.text import joined, plural

Without = Annotated[
    list[str] | None,
    typer.Option("--without", metavar="FIELD", help="Withhold a field, or all that tell `asset` or `rig`; may be given again."),
]


def disclose(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A sealed assessment of yours.")],
    findings: Annotated[list[str], typer.Argument(metavar="FINDING", help="Findings to show: check|asset|subject.")],
    to: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.")],
    without: Without = None,
    bundles: Bundles = None,
    as_json: Json = False,
) -> None:
    """Show single findings to others, and nothing of the rest.

    Writes them with their evidence into one file, which `plumbline verify FILE` proves to be of the sealed assessment. Read it first.
    """
    from plumbline.attest.disclosure import disclose as show

    made = show(out, findings, to, without=without or (), bundles=bundles or ())
    if as_json:
        print_json({"disclosure": str(made.path), "rows": made.rows, "fields": made.fields})
        return
    say(f"Wrote {made.path}: {plural(made.rows, 'row')}. Read it before you hand it over; withhold more with --without.", whole=True)
    say(f"It tells {joined(made.fields)}.")


def unseal(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An encrypted archive: what `seal --to` wrote.")],
    identity: Annotated[Path, typer.Option("--identity", "-i", metavar="KEY", help="Your key: an age-keygen file, or one of SSH.")],
    to: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="The folder to write: absent or empty.")],
    signers: Signers = None,
    as_json: Json = False,
) -> Exit:
    """Decrypt an archive that was sealed for you, and verify it.

    Signatures and digests are checked; `plumbline verify DIR` judges the evidence anew as well.
    """
    from plumbline.attest.unsealing import load_identities
    from plumbline.attest.unsealing import unseal as decrypt

    files = decrypt(file, to, load_identities(identity))
    found = verified(to, signers or (), quick=True)
    if as_json:
        print_json({"folder": str(to), "files": files, "verification": found.to_json()})
    else:
        say(f"Wrote {to}: {plural(files, 'file')}.", whole=True)
        print_verification(found)
    return Exit.FINDING if found.wrong else Exit.OK


def destroy(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A sealed bundle or OUT.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who destroys it: name and office.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")],
    key: Key = None,
    passphrase: Passphrase = None,
    force: Annotated[bool, typer.Option("--force", help="Before the day until which it is to be kept, or although it changed.")] = False,
    as_json: Json = False,
) -> None:
    """Delete exactly the sealed files, and certify it.

    The certificate, PATH.destroyed.dsse.json, names each by its digest; `plumbline verify` checks it. Deletion frees the space: what a
    disk, a snapshot or a backup still holds, nobody can certify.
    """
    from plumbline.attest.destruction import PROVES
    from plumbline.attest.destruction import destroy as delete

    made = delete(path, load_key(key, passphrase, quiet=as_json), by=by, reason=reason, now=now(), force=force)
    if as_json:
        print_json({"certificate": str(made.certificate), "files": made.files, "left": made.left})
        return
    say(f"Destroyed {plural(made.files, 'file')}. Certificate: {made.certificate}", whole=True)
    say_left("Left", made.left)
    say(PROVES)
