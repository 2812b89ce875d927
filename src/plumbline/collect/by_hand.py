"""Files in which people state what they found or know, for the collectors `manual` and `declarations`: read, placed, held to the rig.

    tester = "A. Smith"                               # keys of `Form.shared` may stand at the head, for every entry
    [[result]]                                        # `Form.entry`
    provision = "etsi-en-303-645/5.1-4"               # or check = "device.telnet_service", where the form has it
    asset = "dock-cam-1"                              # or model = "vendor/model", or rig = true
    attachments = ["photo-3.jpg"]                     # `Form.files`: beside the file or in a folder below, never elsewhere

Not what an entry claims (each collector's own shape), and not a bundle: reading such a file takes nothing but its bytes, the rig and a
moment, so that `declare init` reads it too. Rules: an entry that cannot stand is refused with its place and a remedy, and the others
count; what is left empty was not said; a file that an entry names is a regular one inside the folder, whatever links lead there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, PlainValidator

from plumbline.model.errors import ProtocolError
from plumbline.model.words import Layer
from plumbline.rig.models import Asset, Rig
from plumbline.rig.problems import ProblemList
from plumbline.rig.schema import Identifier, Text
from plumbline.rig.tables import list_of_tables, read_table
from plumbline.rig.toml_text import NotTomlError, parse
from plumbline.rig.values import WrongValueError, text
from plumbline.standards.loading import load_standards

SIZE_MAX = 4_000_000  # bytes; ten thousand questions fit
ENTRIES_MAX = 10_000  # of one file
KEYS_MAX = 40  # of one entry, and unknown ones at the head that are named; each that is wrong costs a sentence
WORDS_MAX = 4_000  # characters of one answer
FILES_MAX = 50  # that one entry names
FILE_BYTES_MAX = 1 << 30  # a long film of a walk through a plant


def words(value: object) -> str | None:
    """Read text of several lines, None where it is left empty; raises WrongValueError."""
    if not isinstance(value, str):
        raise WrongValueError(f"wants text, and has {str(value)[:60]!r}", "put it in quotes")
    found = value.strip()
    if len(found) > WORDS_MAX or not all(one.isprintable() or one in "\n\t" for one in found):
        raise WrongValueError(f"wants at most {WORDS_MAX} printable characters", "shorten it, and put the rest into a file that it names")
    return found or None


def name(value: object) -> str | None:
    """Read one line of text, None where it is left empty; raises WrongValueError."""
    return None if value == "" else text(value)


def reference(value: object) -> str:
    """Read the ref of a provision that a shipped standard has; raises WrongValueError."""
    ref = text(value)
    standard, _, local = ref.partition("/")
    if standard not in load_standards():
        raise WrongValueError(f"no standard {standard[:60]!r}", "`plumbline standards list` names them; a provision is <standard>/<id>")
    if local not in load_standards()[standard].provisions:
        raise WrongValueError(f"{standard} has no provision {local[:60]!r}", f"`plumbline standards show {standard}` names them")
    return ref


def check_id(value: object) -> str:
    """Read the id of a check; whether there is one, only an assessment can tell, which may have checks of its own."""
    word = text(value)
    layer, _, state = word.partition(".")
    if layer not in set(Layer) or not re.fullmatch("[a-z0-9_]+", state):
        raise WrongValueError(f"{word[:60]!r} is no check's id", "`plumbline checks list` names them: device.telnet_service")
    return word


Words = Annotated[str | None, PlainValidator(words)]
Name = Annotated[str | None, PlainValidator(name)]
Reference = Annotated[str, PlainValidator(reference)]
CheckId = Annotated[str, PlainValidator(check_id)]


class Stated(BaseModel):
    """What every entry says: of what it speaks. Exactly one of the three is set."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    asset: Identifier | None = None
    model: Text | None = None
    rig: bool = False


S = TypeVar("S", bound=Stated)


@dataclass(frozen=True, slots=True)
class Form(Generic[S]):
    """One kind of such files.

    `table` is the table of evidence that it fills, `entry` the name of its tables, `shared` the keys that may stand at its head, `files`
    the key with the names of further files, `moment` the key that says when. `claim` gives an entry's subject and columns, None where
    nothing is answered, and raises WrongValueError where it claims more than it carries.
    """

    table: str
    entry: str
    shape: type[S]
    shared: tuple[str, ...]
    files: str
    moment: str
    claim: Callable[[S], tuple[str, dict[str, Any]] | None]


@dataclass(frozen=True, slots=True)
class Statement:
    """One entry that stands: its subject and columns, the assets that it is about (none: the rig), and the files that it names."""

    number: int  # from 0, in its file, as problems name it
    place: str  # cam.toml:12
    offset: int  # of its first line, in bytes
    subject: str
    columns: Mapping[str, Any]
    assets: tuple[Asset, ...]
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One file, read: entries that stand, those that are refused by their number (from 0), and what is wrong beside them."""

    statements: tuple[Statement, ...]
    refused: Mapping[int, str]
    problems: tuple[str, ...]
    unanswered: int


def read_sheet(path: Path, form: Form[S], rig: Rig, now: datetime) -> Sheet:
    """Read one file; raises ProtocolError when it cannot be read at all."""
    data = _data(path)
    try:
        document, layout = parse(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ProtocolError(f"{path.name}: not UTF-8 text", offset=error.start) from error
    except NotTomlError as error:
        place = f"{path.name}:{error.line}" if error.line else path.name
        raise ProtocolError(f"{place}: {error.message} ({error.remedy})") from error
    noted = ProblemList(path.name, layout.lines)
    entries, head = _entries(document, form, noted)
    problems = tuple(str(problem) for problem in noted.found)
    starts, declared = _line_starts(data), _Declared(rig.assets)
    statements: list[Statement] = []
    refused: dict[int, str] = {}
    unanswered = 0
    for index, entry in enumerate(entries):
        noted.found.clear()
        key = (form.entry, index)
        line = noted.line_of(key) or 1
        if len(entry) > KEYS_MAX:
            noted.add(key, f"has {len(entry)} keys", "leave those out that are not known")
            said = None
        else:
            said = read_table(form.shape, {**head, **entry}, key, noted)
        try:
            if said is not None:
                claimed = form.claim(said)
                if claimed is None:
                    unanswered += 1
                    continue
                assets, files = declared.about(said), _files(getattr(said, form.files), path.parent)
                _in_time(getattr(said, form.moment), form.moment, now)
                statements.append(Statement(index, f"{path.name}:{line}", starts[line - 1], *claimed, assets, files))
        except WrongValueError as error:
            noted.add(key, error.message, error.remedy)
        if noted.found:
            refused[index] = "; ".join(str(problem) for problem in noted.found)
    return Sheet(tuple(statements), refused, problems, unanswered)


def _data(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(SIZE_MAX + 1)
    except OSError as error:
        raise ProtocolError(f"{path.name}: cannot be read: {error.strerror}") from error
    if len(data) > SIZE_MAX:
        raise ProtocolError(f"{path.name}: larger than {SIZE_MAX} bytes (split it into several files)")
    return data


def _entries(document: Mapping[str, Any], form: Form[S], noted: ProblemList) -> tuple[Sequence[Mapping[str, Any]], Mapping[str, Any]]:
    """Give the entries, and what the head says for all of them; what is unknown there is noted, and no entry is lost by it."""
    known = (form.entry, *form.shared)
    for key in [key for key in document if key not in known][:KEYS_MAX]:
        noted.add((key,), "unknown key", f"known here: {', '.join((f'[[{form.entry}]]', *form.shared))}")
    entries = list_of_tables(document, form.entry, noted)
    if len(entries) > ENTRIES_MAX:
        noted.add((form.entry,), f"has {len(entries)} entries, of which {ENTRIES_MAX} are read", "split the file into several")
    return entries[:ENTRIES_MAX], {key: document[key] for key in form.shared if key in document}


def _line_starts(data: bytes) -> list[int]:
    starts = [0]
    for line in data.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts


class _Declared:
    """The assets of a rig file, by what an entry may call them."""

    def __init__(self, assets: Sequence[Asset]) -> None:
        self._by_id = {asset.id: asset for asset in assets}
        self._by_model: dict[str | None, list[Asset]] = defaultdict(list)
        for asset in assets:
            self._by_model[asset.model].append(asset)

    def about(self, said: Stated) -> tuple[Asset, ...]:
        """Give the assets that an entry is about, none for the rig; raises WrongValueError when it names none that is declared."""
        if sum((said.asset is not None, said.model is not None, said.rig)) != 1:
            raise WrongValueError("must say what it is about, once", 'name asset = "ID", model = "VENDOR/MODEL" or rig = true')
        declare = "correct it, or declare the [[asset]] in the rig file"
        if said.asset is not None:
            if said.asset not in self._by_id:
                raise WrongValueError(f"no asset has the id {said.asset!r}", declare)
            return (self._by_id[said.asset],)
        if said.model is not None and said.model not in self._by_model:
            raise WrongValueError(f"no asset is of the model {said.model!r}", declare)
        return tuple(self._by_model[said.model]) if said.model is not None else ()


def _in_time(moment: datetime | None, key: str, now: datetime) -> None:
    if moment is not None and moment > now:
        raise WrongValueError(f"{key} is {moment.isoformat()}, which is yet to come", "give the time at which it was done")


def _files(names: Sequence[str], folder: Path) -> tuple[Path, ...]:
    if len(names) > FILES_MAX:
        raise WrongValueError(f"names more than {FILES_MAX} files", "put them into one archive")
    return tuple(dict.fromkeys(_within(name, folder) for name in names))


def _within(name: str, folder: Path) -> Path:
    """Find a file that an entry names; raises WrongValueError when it is not there, or not inside the folder once links are followed."""
    inside = "name a file beside this one, or in a folder below it"
    wanted = Path(name)
    if wanted.is_absolute() or ".." in wanted.parts or "\\" in name:
        raise WrongValueError(f"{name!r} leads out of the folder of this file", inside)
    try:
        found = (folder / wanted).resolve(strict=True)
        regular, size = found.is_file(), found.stat().st_size
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead to each other, before Python 3.13
        raise WrongValueError(f"{name!r} is not there", f"{inside}; without it the entry does not count") from error
    if not found.is_relative_to(folder.resolve()):
        raise WrongValueError(f"{name!r} is a link that leads out of the folder of this file", inside)
    if not regular:
        raise WrongValueError(f"{name!r} is no file", inside)
    if size > FILE_BYTES_MAX:
        raise WrongValueError(f"{name!r} is larger than {FILE_BYTES_MAX >> 20} MB", "give the part of it that shows the matter")
    return found
