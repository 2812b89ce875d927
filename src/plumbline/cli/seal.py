"""`plumbline seal`, and the keys that sign."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plumbline.cli.collect import now
from plumbline.cli.options import Json
from plumbline.cli.output import print_json, progress, say
from plumbline.cli.verify import Authority, Bundles
from plumbline.model.errors import InputError
from plumbline.report.text import joined, number, plural

if TYPE_CHECKING:
    from securesystemslib.signer import Signer  # type: ignore[attr-defined]

LEFT_SHOWN = 20

Sealable = Annotated[Path, typer.Argument(metavar="PATH", help="A bundle or an OUT: what `collect`, `assess` or `audit` wrote.")]
Key = Annotated[
    str | None,
    typer.Option("--key", metavar="KEY", help="The signer's private key: a PEM file, or hsm:ID?label=TOKEN. [default: yours]"),
]
Passphrase = Annotated[
    str | None,
    typer.Option(
        "--passphrase", metavar="REF", help="Of an encrypted key, or the PIN: env:NAME, file:PATH or keyring:SERVICE/NAME. [default: asked]"
    ),
]
Timestamp = Annotated[
    str | None,
    typer.Option("--timestamp", metavar="URL", help="Ask this timestamp authority (RFC 3161); it learns a digest."),
]
To = Annotated[
    list[str] | None,
    typer.Option("--to", metavar="RECIPIENT", help="Encrypt an archive for: age1..., an SSH key, or a file of them."),
]
Archive = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="The archive to write, with --to. [default: PATH.tar.age]"),
]
WithPrivate = Annotated[bool, typer.Option("--with-private", help="Put in the archive what opens single rows, too.")]
Day = Annotated[
    datetime | None,
    typer.Option("--retain-until", formats=["%Y-%m-%d"], metavar="DATE", help="Say that nothing is to be destroyed before."),
]

_REFERENCE = "give env:NAME, file:PATH or keyring:SERVICE/NAME"


def seal(
    path: Sealable,
    key: Key = None,
    passphrase: Passphrase = None,
    retain_until: Day = None,
    bundles: Bundles = None,
    timestamp: Timestamp = None,
    authority: Authority = None,
    to: To = None,
    archive: Archive = None,
    with_private: WithPrivate = False,
    as_json: Json = False,
) -> None:
    """Seal a bundle or an assessment: name every file, and sign.

    Without --key it signs with a key of yours, which is made the first time. Where a seal is there already, it is countersigned; with --to
    and no --key it stays as it is.
    """
    from plumbline.attest.sealed import check_new

    said: dict[str, Any] = {}
    _need("--to", to, {"--output": archive, "--with-private": with_private})
    _need("--timestamp", timestamp, {"--authority": authority})
    recipients = _recipients(to or ())
    place = archive or path.resolve().parent / f"{path.resolve().name}.tar.age"
    if recipients:
        check_new(place, path)
    if recipients and key is None and _is_sealed(path):
        about = {"--passphrase": passphrase, "--retain-until": retain_until, "--bundle": bundles, "--timestamp": timestamp}
        _need("--key", key, about, why=": the folder is sealed already, and --to alone leaves its seal as it is")
    else:
        said = _sealed(path, key, passphrase, retain_until, bundles or [], timestamp, authority, quiet=as_json)
    if recipients:
        from plumbline.attest.archive import write_archive

        made = write_archive(path, place, recipients, with_private=with_private)
        said |= {"archive": str(place), "recipients": len(recipients), "left": made.left}
        if not as_json:
            say(f"Wrote {place}: {plural(made.files, 'file')}, encrypted for {plural(len(recipients), 'recipient')}.", whole=True)
            say_left("Not in it", made.left)
    if as_json:
        print_json(said)


def say_left(what: str, names: Sequence[str]) -> None:
    """Say of files that the seal does not name what became of them."""
    if names:
        more = [f"{number(len(names) - LEFT_SHOWN)} more"] if len(names) > LEFT_SHOWN else []
        say(f"{what}, because the seal does not name them: {joined([*names[:LEFT_SHOWN], *more])}", style="yellow")


def _need(option: str, given: object, others: Mapping[str, object], why: str = "") -> None:
    """Raise InputError where one of some options is given that says nothing without another."""
    for name, value in others.items():
        if value and not given:
            raise InputError(f"says nothing without {option}{why}", where=name, remedy=f"add {option}, or leave it out")


def _recipients(words: Sequence[str]) -> list[Any]:
    if not words:
        return []
    from plumbline.attest.archive import load_recipients

    return load_recipients(words)


def _is_sealed(path: Path) -> bool:
    from plumbline.attest.content import sealed_by

    return sealed_by(path) is not None


def _sealed(
    path: Path,
    key: str | None,
    passphrase: str | None,
    retain_until: datetime | None,
    bundles: list[Path],
    timestamp: str | None,
    authority: Path | None,
    *,
    quiet: bool,
) -> dict[str, Any]:
    """Seal, say so, and give what --json prints."""
    from plumbline.attest.keys import user_key
    from plumbline.attest.seal import check_sealable
    from plumbline.attest.seal import seal as make
    from plumbline.attest.timestamp import stamper

    stamp = stamper(timestamp, authority) if timestamp is not None else None
    new = key is None and not user_key().exists()
    if new:
        check_sealable(path)
    signer = load_key(key, passphrase, quiet=quiet)
    kept = retain_until.date() if retain_until else None
    with progress() as show:
        made = make(path, signer, now(), retain_until=kept, bundles=bundles, stamp=stamp, progress=show)
    if not quiet:
        say(f"{'Countersigned' if made.countersigned else 'Wrote'} {made.path}, over {plural(made.files, 'file')}.", whole=True)
        say(f"Key fingerprint, to be compared over another channel: {made.signature.fingerprint}", whole=True)
        if older := _older_reports(path):
            words = "Dated before the assessment, so perhaps of an earlier one, and sealed as they are"
            say(f"{words}: {joined(older)}", style="yellow")
        if made.facts.rows_missing is not None:
            say(f"Single findings cannot be shown to others: {made.facts.rows_missing}", style="yellow")
    said: dict[str, Any] = {"seal": str(made.path), "files": made.files, "fingerprint": made.signature.fingerprint}
    if new:
        said["key_made"] = str(user_key())
    return {**said, "countersigned": made.countersigned, "says": made.facts.predicate()}


def _older_reports(folder: Path) -> list[str]:
    """Name the reports that are dated before the assessment beside them (as a copy may be): nothing in a seal ties the two together."""
    from plumbline.report.registry import formats

    assessment = folder / "assessment.json"
    if not assessment.is_file():
        return []
    judged = assessment.stat().st_mtime_ns
    files = (folder / name for unit in formats().values() for name in unit.files)
    return [file.name for file in files if file.is_file() and file.stat().st_mtime_ns < judged]


def load_key(key: str | None, passphrase: str | None, *, quiet: bool = False) -> Signer:
    """Load the private key that is named, else the user's own, made and told of when there is none."""
    from plumbline.attest.keys import load_signer, make_key, user_key
    from plumbline.attest.tokens import SCHEME, load_token

    secret = cache(_secret(passphrase))  # a token may ask for its PIN more than once
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
                raise InputError(str(error), where="--passphrase", remedy=_REFERENCE) from error
        if not sys.stdin.isatty():
            raise InputError("the key is encrypted, and nobody can be asked", where="--passphrase", remedy=_REFERENCE)
        return str(typer.prompt("Passphrase", hide_input=True, err=True)).encode()

    return read
