"""Which asset of one audit is which asset of another: by what each is known by, not by its id alone.

    OUT/identity.parquet    asset, identifier, value      what correlation knew of the assets (`correlate.identifiers`)

Identifiers are taken in the order of their strength, each level once, and at each only values that one asset on either side carries:

    serial, mac, hub_device_id, declared_id, id (the asset's own name), public_key, certificate_sha1,
    address (its own name, where that is one), ip

Rules: two assets whose serial numbers (else whose MAC addresses) are known on both sides and have none in common are two devices, whatever
name or address they share: the later one stands in the place of the earlier, and is not it. A number that two assets of one side carry is
nobody's own (the MAC address of a router that answers for others), and shows nothing; nor does one that the rig file alone states (also
listed as `stated_serial` or `stated_mac`), for another word in it makes no other device. Keys and certificates are renewed, so a different
one says nothing. But where the customer's name for an asset (declared_id, id) is at one device now, and the key that it had at another, of
which no hardware says that it was there before, the match is doubtful: labels are swapped as easily as keys are copied. A level at which
an asset could be two others decides nothing. Identities that only a hub knows are their own names, and are not listed here: there may be
millions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.correlate.merging import Correlation
from plumbline.evidence.parts import atomic
from plumbline.model.entities import Entity
from plumbline.model.errors import InputError
from plumbline.model.words import EntityKind

FILE = "identity.parquet"
LEVELS = ("serial", "mac", "hub_device_id", "declared_id", "id", "public_key", "certificate_sha1", "address", "ip")
HARDWARE = ("serial", "mac")  # what a device keeps, whatever is done to it
BOUND = (*HARDWARE, "hub_device_id")  # and what it proves to its hub
STATED = "stated_"  # before the name of what nothing but the rig file says
NAMES = ("declared_id", "id")  # what people say that it is
_SCHEMA = pa.schema([(name, pa.string()) for name in ("asset", "identifier", "value")])

Known = Mapping[str, Mapping[str, frozenset[str]]]
"""By asset: the values of each identifier that it carries."""


@dataclass(frozen=True, slots=True)
class Match:
    """An asset of the later audit, and the identifier that says so; `itself` false: another device, in the earlier one's place.

    `doubtful`: whether it is another cannot be told.
    """

    asset: str
    by: str
    itself: bool = True
    doubtful: bool = False


def write_identity(correlation: Correlation, out: Path) -> None:
    """Write what the assets of an assessment are known by into OUT."""
    merged = {merge.entity: merge.asset for merge in correlation.merges}
    kinds: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for fact in correlation.facts:
        kinds[merged.get(fact.entity, fact.entity), fact.identifier, fact.value].add(fact.kind)
    stated = [one for one, told_by in kinds.items() if one[1] in HARDWARE and told_by == {EntityKind.DECLARED.value}]
    rows = sorted([*kinds, *((asset, f"{STATED}{word}", value) for asset, word, value in stated)])
    columns = [pa.array(list(column), pa.string()) for column in zip(*rows, strict=True)] or [pa.array([], pa.string())] * 3
    with atomic(out / FILE) as temporary:
        pq.write_table(pa.Table.from_arrays(columns, schema=_SCHEMA), temporary, compression="zstd")


def read_identity(out: Path) -> Known:
    """Read it; raises InputError when it is missing or none of ours."""
    path = out / FILE
    try:
        table = pq.read_table(path).select(_SCHEMA.names).cast(_SCHEMA)
    except FileNotFoundError as error:
        raise InputError("does not say what its assets are known by", where=str(path), remedy="assess its bundles again") from error
    except (OSError, KeyError, pa.ArrowException) as error:
        raise InputError(f"cannot be read: {error}", where=str(path), remedy="assess its bundles again") from error
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for asset, word, value in zip(*(table.column(name).to_pylist() for name in _SCHEMA.names), strict=True):
        found[asset][word].add(value)
    return {asset: {word: frozenset(values) for word, values in words.items()} for asset, words in found.items()}


def match(old: Known, new: Known) -> dict[str, Match]:
    """Find for assets of the earlier audit what they are in the later one; an asset that is not found is left out."""
    hardware_before, hardware_now = _own_hardware(old), _own_hardware(new)
    found: dict[str, Match] = {}
    taken: set[str] = set()
    replaced: dict[str, Match] = {}
    split: dict[str, set[str]] = {}
    joined: dict[str, set[str]] = {}
    for level in LEVELS:
        ours = _carriers((asset, known) for asset, known in old.items() if asset not in found)
        theirs = _carriers((asset, known) for asset, known in new.items() if asset not in taken)
        pairs = {(one, other) for value, one in ours[level].items() if one and (other := theirs[level].get(value))}
        lead, back = _gathered(pairs), _gathered((other, one) for one, other in pairs)
        if level in HARDWARE:
            split.update((one, others) for one, others in lead.items() if len(others) > 1)
            joined.update((other, ones) for other, ones in back.items() if len(ones) > 1)
        for one, other in sorted(pairs):
            if len(lead[one]) > 1 or len(back[other]) > 1:
                continue
            if differ(hardware_before[one], hardware_now[other]):
                replaced.setdefault(one, Match(other, level, itself=False))
                continue
            found[one] = Match(other, level)
            taken.add(other)
    claimed = {match.asset for match in found.values()}
    parted = [one for one, others in split.items() if one in found and others - claimed]
    met = [one for one, match in found.items() if joined.get(match.asset, set()) - found.keys()]
    for one in {*parted, *met, *_doubted(found, old, new)}:
        found[one] = replace(found[one], itself=False, doubtful=True)
    return {**{one: other for one, other in replaced.items() if one not in found}, **found}


def _doubted(found: Mapping[str, Match], old: Known, new: Known) -> list[str]:
    """List the assets that were found again by the customer's name for them, and whose keys another device has now."""
    ours, theirs = _carriers(old.items())["public_key"], _carriers(new.items())["public_key"]
    known = {match.asset for match in found.values() if match.by in BOUND}
    doubted = []
    for one, match in found.items():
        keys = old[one].get("public_key", frozenset())
        if match.by in NAMES and not keys & new[match.asset].get("public_key", frozenset()):
            elsewhere = {theirs.get(key) for key in keys if ours[key]} - {None, ""}
            doubted += [one] if elsewhere - known else []
    return doubted


def differ(one: Mapping[str, frozenset[str]], other: Mapping[str, frozenset[str]]) -> bool:
    """Say whether hardware identifiers show that two assets are two devices."""
    for word in HARDWARE:
        if one.get(word) and other.get(word):
            return not one[word] & other[word]
    return False


def _own_hardware(assets: Known) -> Known:
    """Give the hardware identifiers of each asset that were seen at it, and at no other one of its side."""
    carriers = _carriers(assets.items())
    return {
        asset: {
            word: frozenset(value for value in known.get(word, ()) if carriers[word][value]) - known.get(f"{STATED}{word}", frozenset())
            for word in HARDWARE
        }
        for asset, known in assets.items()
    }


def _carriers(assets: Iterable[tuple[str, Mapping[str, frozenset[str]]]]) -> Mapping[str, Mapping[str, str]]:
    """By level and value the one asset that carries it; '' where several do."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for asset, known in assets:
        for word, values in [*known.items(), (_kind_of_name(asset), frozenset({asset}))]:
            for value in values:
                found[word][value] = "" if value in found[word] else asset
    return found


def _kind_of_name(asset: str) -> str:
    """Say at which level a name counts: one that is an address passes to another device as easily as that."""
    try:
        ip_address(Entity.parse(asset).key)
    except ValueError:
        return "id"
    return "address"


def _gathered(pairs: Iterable[tuple[str, str]]) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for one, other in pairs:
        found[one].add(other)
    return found
