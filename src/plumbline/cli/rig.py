"""`plumbline rig init | check | sign`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plumbline.cli.collect import now
from plumbline.cli.new_files import write_new
from plumbline.cli.options import Json, RigPath
from plumbline.cli.output import print_json, say

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def init(
    path: Annotated[Path, typer.Argument(metavar="RIG", help="Where to write it.")] = Path("rig.toml"),
    as_json: Json = False,
) -> None:
    """Write an annotated rig file to fill in."""
    from plumbline.rig.template import init_text

    write_new(path, init_text(), "name another file")
    if as_json:
        print_json({"rig": str(path)})
    else:
        say(f"Wrote {path}. Fill it in, then: plumbline rig check {path}", whole=True)


@app.command()
def check(path: RigPath, as_json: Json = False) -> None:
    """Validate a rig file, and show exactly what an audit would touch.

    Shows what would be contacted and read, how often and for how long at most, and what is refused and why. Contacts nothing.
    """
    from plumbline.cli.plans import print_plan
    from plumbline.rig.loading import load
    from plumbline.rig.plan import plan

    rig = load(path)
    planned = plan(rig, now())
    if as_json:
        print_json(planned.to_json())
    else:
        print_plan(path, planned)


@app.command()
def sign(
    path: RigPath,
    key: Annotated[Path, typer.Option(metavar="PEM", help="The signer's Ed25519 private key.")],
    signer: Annotated[str, typer.Option(metavar="NAME", help="Who signs: name and office.")],
    as_json: Json = False,
) -> None:
    """Sign a rig file as its owner.

    Needed for intrusion 'credential' and for public addresses. Any later change to the file makes the signature void.
    A key: openssl genpkey -algorithm ed25519 -out owner.pem
    """
    from plumbline.attest.keys import read_key_file
    from plumbline.rig.signature import sign as sign_file
    from plumbline.rig.signature import verify

    pem = read_key_file(key, "make a key: openssl genpkey -algorithm ed25519 -out owner.pem", private=False)
    written = sign_file(path, pem, signer, now(), key_place=str(key))
    fingerprint = verify(path).fingerprint
    if as_json:
        print_json({"signature": str(written), "signer": signer, "fingerprint": fingerprint})
        return
    say(f"Wrote {written}. Any change to {path.name} makes it void.", whole=True)
    say(f"Key fingerprint, to be compared over another channel: {fingerprint}", whole=True)
