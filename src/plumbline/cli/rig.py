"""`plumbline rig init | check | sign`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from plumbline.cli.output import print_json, stdout
from plumbline.cli.plans import print_plan
from plumbline.model.errors import InputError
from plumbline.rig.loading import load
from plumbline.rig.plan import plan
from plumbline.rig.signature import sign as sign_file
from plumbline.rig.template import init_text

app = typer.Typer(no_args_is_help=True)

RigPath = Annotated[Path, typer.Argument(metavar="RIG", help="The rig file.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def init(path: Annotated[Path, typer.Argument(metavar="RIG", help="Where to write it.")] = Path("rig.toml")) -> None:
    """Write an annotated rig file to fill in."""
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(init_text())
    except FileExistsError as error:
        raise InputError("exists already", where=str(path), remedy="name another file") from error
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=str(path)) from error
    stdout().print(f"Wrote {path}. Fill it in, then: plumbline rig check {path}", markup=False)


@app.command()
def check(path: RigPath, as_json: Json = False) -> None:
    """Validate a rig file, and show exactly what an audit would contact and read, and why anything is refused."""
    rig = load(path)
    planned = plan(rig, datetime.now(UTC))
    if as_json:
        print_json(planned.to_json())
    else:
        print_plan(rig, planned)


@app.command()
def sign(
    path: RigPath,
    key: Annotated[Path, typer.Option(help="The signer's Ed25519 private key, PEM.")],
    signer: Annotated[str, typer.Option(help="Who signs: name and office.")],
) -> None:
    """Sign a rig file for its owner; needed for intrusion `credential` and for public ranges."""
    try:
        pem = key.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(key)) from error
    written = sign_file(path, pem, signer, datetime.now(UTC))
    stdout().print(f"Wrote {written}. Any change to {path.name} makes it void.", markup=False)
