"""Shows single findings of a sealed assessment, so that anybody can check them with nothing else at hand, and nothing of the rest is told.

    {
     "format": 1,
     "envelope": the statement that names the root of the tree over all rows, under the seal's signatures,
     "rows": [
      {"fields": [{"name": "kind", "salt": hex, "value": "verdict"}, {"commitment": hex}, ...],
       "place": 517, "path": [hex, ...]}
     ]
    }

A field that is withheld stands as its commitment alone, without its name, which its place among the others may tell. How commitments,
leaves and nodes are computed stands in `commitments`; a reader needs SHA-256 and JSON, and the signers' public keys.

Rules: with a finding go its evidence, its asset, its check, and the row that says which assessment it is of; the seal itself, which names
every file of the rig, and the ledger's digest do not. A field that repeats a text which is withheld is withheld as well, but for what a
check says of itself; the digest of a raw answer always is. What is shown is told in full: who hands the file over reads it first. A file
that holds anything else is refused, for no signature covers it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbline.assess.assessment import read_json
from plumbline.attest import at_hand
from plumbline.attest.commitments import (
    DIGEST_BYTES,
    HEIGHT_MAX,
    SALT_BYTES,
    Row,
    Tree,
    canonical,
    commitment,
    leaf,
    leaf_of,
    root_of,
    salts,
)
from plumbline.attest.content import PRIVATE
from plumbline.attest.envelope import decoded, parse_envelope
from plumbline.attest.plain_files import read_plain
from plumbline.attest.private import Private, read_private, root_in
from plumbline.attest.rows import Rows
from plumbline.attest.sealed import check_new
from plumbline.attest.statement import parse_statement
from plumbline.attest.verification import Claim, Verification
from plumbline.attest.verify import Asked, named_signers, signed_by
from plumbline.evidence.parts import atomic
from plumbline.model.entities import Entity
from plumbline.model.errors import InputError, ProtocolError

FORMAT = 1
SIZE_MAX = 64 << 20
FINDINGS_MAX = 1_000
FIELDS_MAX = 200
TELLING_MIN = 3  # characters; a shorter text stands in too many others to tell anything
UNSALTED = "raw"  # names an answer by its plain digest, by which a guess at what else it says could be confirmed: never shown
_OF_ASSET = (
    *("asset", "entity", "id", "name", "declared_id", "device_id", "hub_device_id", "client_id", "engine_id", "machine_id"),
    *("address", "addresses", "mac", "ip", "host_name", "hostname", "serial", "serial_number", "subject_name", "names"),
)
# What `--without asset` and `--without rig` withhold, by the kinds of row in which it tells them.
WITHHELD: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "asset": (("verdict", "asset", "evidence"), _OF_ASSET),
    "rig": (("assessment",), ("rig", "rig_name", "owner")),
}
_MEMBERS, _OF_ROW = {"format", "envelope", "rows"}, {"fields", "place", "path"}
_HEX = re.compile(r"(?:[0-9a-f]{2})+")


@dataclass(frozen=True, slots=True)
class Disclosed:
    """A file that was written: how many rows it shows, and the names of the fields that it tells."""

    path: Path
    rows: int
    fields: tuple[str, ...]


def disclose(out: Path, findings: Collection[str], to: Path, *, without: Collection[str] = (), bundles: Collection[Path] = ()) -> Disclosed:
    """Write a file that shows findings, given as check|asset|subject; `without` names fields to withhold.

    Raises InputError when there is no such verdict, the seal has no rows, or what is there is not what was sealed.
    """
    check_new(to, out)
    if len(findings) > FINDINGS_MAX:
        raise InputError(f"more than {FINDINGS_MAX} findings", where=str(out), remedy="hand over the assessment instead")
    if not (out / PRIVATE).is_file():
        remedy = "only who sealed it can show single findings; plumbline seal says why where there are no rows"
        raise InputError(f"has no {PRIVATE}", where=str(out), remedy=remedy)
    private = read_private(out / PRIVATE)
    said = read_json(out)
    found = at_hand.find(out, said["bundles"], bundles)
    if found.missing:
        raise InputError(f"evidence is not at hand: {', '.join(found.missing)}", where=str(out), remedy="name it with --bundle")
    rows = Rows(out, said, list(found.bundles.values()))
    along = _Along(rows.verdicts(), findings)
    leaves, chosen = list[bytes](), dict[int, Row]()
    for number, row in enumerate(rows):
        leaves.append(leaf_of(row, private.seed, number))
        if along.goes(row):
            chosen[number] = row
    tree = Tree(leaves, private.seed)
    if tree.root() != private.root:
        raise InputError("the rows are not those that were sealed", where=str(out), remedy="plumbline verify says what has changed")
    paths = tree.paths(leaves[number] for number in chosen)
    hidden = _hidden(chosen, without)
    shown = [_shown(row, number, private, hidden[number], *paths[leaves[number]]) for number, row in chosen.items()]
    document = {"format": FORMAT, "envelope": private.envelope.document(), "rows": shown}
    with atomic(to) as temporary:
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        temporary.write_bytes(text.encode("utf-8", "backslashreplace"))  # as JSON escapes what no UTF-8 can say
    told = {field["name"] for row in shown for field in row["fields"] if "name" in field}
    return Disclosed(to, len(shown), tuple(sorted(told)))


class _Along:
    """What goes along with some findings; raises InputError for one that is no verdict of the ledger."""

    def __init__(self, verdicts: Iterable[Row], findings: Collection[str]) -> None:
        named = set(findings)
        found = {_id(row): row for row in verdicts if _id(row) in named}
        if unknown := sorted(named - found.keys()):
            raise InputError(f"no verdict {unknown[0]!r}", remedy="findings are named check|asset|subject, as report.json names them")
        self._verdicts = found.keys()
        self._wanted = {
            "check": ("id", {row["check"] for row in found.values()}),
            "asset": ("id", {row["asset"] for row in found.values()}),
            "evidence": ("row", {one for row in found.values() for one in row.get("evidence") or ()}),
        }

    def goes(self, row: Row) -> bool:
        """Tell whether a row is one of the findings, or goes along with them."""
        kind = row["kind"]
        if kind in self._wanted:
            name, wanted = self._wanted[kind]
            return row[name] in wanted
        return kind == "assessment" or _id(row) in self._verdicts


def _hidden(rows: Mapping[int, Row], without: Collection[str]) -> dict[int, set[str]]:
    """Choose the fields to withhold, by the rows' numbers: those named, and what else repeats a text of theirs.

    What is UNSALTED is withheld always. Raises InputError for a name that no row has, which may be a slip.
    """
    there = {name for row in rows.values() for name in row} - {"kind"}
    if unknown := sorted(set(without) - there - WITHHELD.keys()):
        raise InputError(f"no row has a field {unknown[0]!r}", where="--without", remedy=f"there are {', '.join(sorted(there))}")

    def named(row: Row) -> set[str]:
        groups = (WITHHELD[word][1] for word in without if word in WITHHELD and row["kind"] in WITHHELD[word][0])
        return {*(word for word in without if word not in WITHHELD), *(name for group in groups for name in group)} & (
            row.keys() - {"kind"}
        )

    texts = {text for row in rows.values() for name in named(row) for text in _texts(row[name]) if len(text) >= TELLING_MIN}

    def repeats(row: Row, name: str) -> bool:
        said = canonical(row[name]).casefold()
        return row["kind"] != "check" and name != "kind" and any(text in said for text in texts)

    return {number: named(row) | {name for name in row if name == UNSALTED or repeats(row, name)} for number, row in rows.items()}


def _texts(value: Any) -> Iterator[str]:
    """Give the texts by which a value would be known again, as canonical JSON has them: its own, and an entity's key."""
    if isinstance(value, str):
        yield canonical(value)[1:-1].casefold()
        with suppress(ValueError):
            yield canonical(Entity.parse(value).key)[1:-1].casefold()
    elif isinstance(value, list | dict):
        for inside in value.values() if isinstance(value, dict) else value:
            yield from _texts(inside)


def _id(row: Row) -> str:
    return f"{row['check']}|{row['asset']}|{row['subject']}"


def _shown(row: Row, number: int, private: Private, hidden: set[str], place: int, path: list[bytes]) -> dict[str, Any]:
    fields: list[dict[str, Any]] = []
    names = sorted(row)
    for name, salt in zip(names, salts(private.seed, number, len(names)), strict=True):
        if name in hidden:
            fields.append({"commitment": commitment(name, row[name], salt).hex()})
        else:
            fields.append({"name": name, "salt": salt.hex(), "value": row[name]})
    return {"fields": fields, "place": place, "path": [node.hex() for node in path]}


def verify_disclosure(path: Path, asked: Asked) -> Verification:
    """Check a file that shows findings, with nothing else at hand; raises InputError when it is none."""
    try:
        document = decoded(read_plain(path.resolve(), SIZE_MAX))
        if not isinstance(document, dict) or document.keys() != _MEMBERS or document["format"] != FORMAT:
            raise ProtocolError(f"is no disclosure of format {FORMAT}")
        if not isinstance(document["rows"], list):
            raise ProtocolError("has no rows")
        envelope = parse_envelope(document["envelope"])
        root, says = root_in(envelope), parse_statement(envelope.payload).predicate
        rows = [_row(entry, root) for entry in document["rows"]]
        if len({entry["place"] for entry in document["rows"]}) != len(rows):
            raise ProtocolError("shows a row twice, as if there were two")
    except ProtocolError as error:
        raise InputError(str(error), where=str(path), remedy="ask for the file anew") from error
    signers = signed_by(envelope, asked)
    claims = list(named_signers(signers, asked))
    lost = [number for number, (_, holds) in enumerate(rows, 1) if not holds]
    why = f"not those: {', '.join(map(str, lost[:10]))}" if lost else ""
    if not any(one.holds for one in signers):
        why = "no signature holds, so that nothing was sealed"
    claims.append(Claim(f"{len(rows)} rows are of the assessment that was sealed", bool(rows) and not why, why))
    return Verification("rows", path.name, says, signers, (), tuple(claims), tuple(shown for shown, _ in rows))


def _row(entry: Any, root: bytes) -> tuple[dict[str, Any], bool]:
    """Read a row: what it tells, how many fields it withholds, and whether it leads to the root; raises ProtocolError for a bad form."""
    if (
        not isinstance(entry, dict)
        or entry.keys() != _OF_ROW
        or not isinstance(entry["fields"], list)
        or not isinstance(entry["path"], list)
    ):
        raise ProtocolError("shows a row of another form")
    if not 0 < len(entry["fields"]) <= FIELDS_MAX or len(entry["path"]) > HEIGHT_MAX or not isinstance(entry["place"], int):
        raise ProtocolError("shows a row of another form")
    told: dict[str, Any] = {}
    commitments = list(_commitments(entry["fields"], told))
    if not isinstance(told.get("kind"), str):
        raise ProtocolError("shows a row that does not say of what kind it is")
    path = [_bytes(node, DIGEST_BYTES) for node in entry["path"]]
    try:
        holds = root_of(leaf(commitments), entry["place"], path) == root
    except ValueError:
        holds = False
    return {**told, "withheld": len(commitments) - len(told)}, holds


def _commitments(fields: list[Any], told: dict[str, Any]) -> Iterator[bytes]:
    for field in fields:
        if not isinstance(field, dict):
            raise ProtocolError("shows a field of another form")
        if field.keys() == {"commitment"}:
            yield _bytes(field["commitment"], DIGEST_BYTES)
            continue
        if field.keys() != {"name", "salt", "value"} or not isinstance(field["name"], str) or field["name"] in (*told, "withheld"):
            raise ProtocolError("shows a field of another form, or twice")
        told[field["name"]] = field["value"]
        try:
            yield commitment(field["name"], field["value"], _bytes(field["salt"], SALT_BYTES))
        except (ValueError, RecursionError) as error:
            raise ProtocolError("shows a value that is no JSON") from error


def _bytes(text: Any, length: int) -> bytes:
    if not isinstance(text, str) or len(text) != 2 * length or not _HEX.fullmatch(text):
        raise ProtocolError("has hex digits that are none")
    return bytes.fromhex(text)
