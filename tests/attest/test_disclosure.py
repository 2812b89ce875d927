"""A finding is shown with its evidence, proven with nothing else at hand, and tells nothing of the rest of the rig."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plumbline.attest.commitments import LEAVES_MIN, Tree, canonical, commitment, leaf, root_of
from plumbline.attest.disclosure import WITHHELD, disclose, verify_disclosure
from plumbline.attest.verify import Asked
from plumbline.evidence.specs import load_tables
from plumbline.model.errors import InputError


def findings(out: Path) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads((out / "assessment.json").read_text())["findings"]
    return listed


@pytest.fixture(scope="module")
def written(untouched: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("shown") / "finding.json"
    disclose(untouched, [findings(untouched)[0]["id"]], path)
    return path.read_bytes()


@pytest.fixture
def shown(written: bytes, tmp_path: Path) -> Path:
    (tmp_path / "finding.json").write_bytes(written)
    return tmp_path / "finding.json"


def test_it_is_proven_alone(untouched: Path, shown: Path) -> None:
    found = verify_disclosure(shown, Asked())
    wanted = findings(untouched)[0]
    assert not found.wrong and not found.unchecked
    kinds = [row["kind"] for row in found.rows]
    assert {"assessment", "check", "asset", "verdict", "evidence"} == set(kinds)
    [verdict] = [row for row in found.rows if row["kind"] == "verdict"]
    assert (verdict["check"], verdict["asset"], verdict["subject"], verdict["verdict"]) == (
        wanted["check"],
        wanted["asset"],
        wanted["subject"],
        "fail",
    )
    assert {row["row"] for row in found.rows if row["kind"] == "evidence"} == set(wanted["evidence"])


def test_by_sha256_and_json_alone(shown: Path, untouched: Path) -> None:
    """What a reader without Plumbline computes, by the words of the documentation."""
    document = json.loads(shown.read_text())
    roots = set()
    for row in document["rows"]:
        commitments = b""
        for field in row["fields"]:
            text = json.dumps({field["name"]: field["value"]}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)[1:-1]
            commitments += hashlib.sha256(b"\x02" + bytes.fromhex(field["salt"]) + text.encode()).digest()
        node, place = hashlib.sha256(b"\x00" + commitments).digest(), row["place"]
        for beside in map(bytes.fromhex, row["path"]):
            node = hashlib.sha256(b"\x01" + (beside + node if place % 2 else node + beside)).digest()
            place //= 2
        roots.add(node.hex())
    seal = json.loads((untouched / "seal.dsse.json").read_text())
    payload = base64.b64decode(seal["payload"])
    assert roots == {json.loads(payload)["predicate"]["rows"]}
    rows = json.loads(base64.b64decode(document["envelope"]["payload"]))
    assert rows["predicate"]["sealed"] == hashlib.sha256(payload).hexdigest()


def test_nothing_of_other_rows(untouched: Path, tmp_path: Path) -> None:
    """No name, address or identifier of another asset, no digest of a file, no name of a check that is not shown."""
    said = json.loads((untouched / "assessment.json").read_text())
    mine = findings(untouched)[0]
    disclose(untouched, [mine["id"]], tmp_path / "shown.json", without=["rig"])
    document = json.loads((tmp_path / "shown.json").read_text())
    text = json.dumps(document, ensure_ascii=False) + base64.b64decode(document["envelope"]["payload"]).decode()
    words = {one["id"]: {one["id"], one["name"], one["address"]} - {None, ""} for one in said["assets"]}
    others = set().union(*words.values()) - words[mine["asset"]]
    assert len(others) > 10
    assert not [word for word in others if f'"{word}"' in text]
    assert not [one["id"] for one in said["checks"] if one["id"] != mine["check"] and one["id"] in text]
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in untouched.rglob("*") if path.is_file()]
    assert not [digest for digest in [*digests, said["ledger_digest"], said["checks_digest"]] if digest in text]


def test_a_guess_confirms_nothing(untouched: Path, tmp_path: Path) -> None:
    """Who knows the value of a field that is withheld cannot tell it from any other: its commitment has a salt that is not told."""
    wanted = findings(untouched)[0]
    disclose(untouched, [wanted["id"]], tmp_path / "withheld.json", without=["asset"])
    document = json.loads((tmp_path / "withheld.json").read_text())
    shown = json.dumps([[field for field in row["fields"] if field.get("value") != "check"] for row in document["rows"]])
    for text in (wanted["asset"], wanted["asset_name"], wanted["asset"].split("/", 1)[1]):
        assert f'"{text}"' not in shown  # in `detail` neither
    assert wanted["check"] in shown
    hidden = {field["commitment"] for row in document["rows"] for field in row["fields"] if "commitment" in field}
    salts = {field["salt"] for row in document["rows"] for field in row["fields"] if "salt" in field}
    nodes = {node for row in document["rows"] for node in row["path"]}
    for name in ("asset", "entity", "id"):
        text = f'"{name}":{canonical(wanted["asset"])}'.encode()
        guesses = {hashlib.sha256(start + text).hexdigest() for start in (b"", b"\x02", b"\x00", b"\x02" + bytes(16))}
        guesses |= {commitment(name, wanted["asset"], bytes.fromhex(salt)).hex() for salt in salts}
        assert not guesses & (hidden | nodes)
    assert not verify_disclosure(tmp_path / "withheld.json", Asked()).wrong


def test_every_column_that_identifies_a_device_goes_with_the_asset() -> None:
    """But for digests of keys and certificates, as the documentation says."""
    columns = [column for table in load_tables().values() for column in table.columns.values()]
    telling = {one.name for one in columns if one.identifies not in (None, "public_key", "certificate_sha1")}
    assert len(telling) > 5 and not telling - set(WITHHELD["asset"][1])


def test_what_a_hub_calls_a_device_is_withheld(untouched: Path, tmp_path: Path) -> None:
    """The finding is about a declared asset, of whose name the hub's is no part."""
    wanted = next(one for one in findings(untouched) if one["check"] == "cloud.shared_credential" and "dock-cam-1" in one["id"])
    disclose(untouched, [wanted["id"]], tmp_path / "x.json", without=["asset"])
    [identity] = [row for row in verify_disclosure(tmp_path / "x.json", Asked()).rows if row.get("table") == "hub_identity"]
    assert "device_id" not in identity
    assert "cam-0001" not in (tmp_path / "x.json").read_text()


def test_the_digest_of_an_answer_is_withheld(untouched: Path, tmp_path: Path) -> None:
    """It has no salt: who guesses what else the answer says, of this device or of others, could confirm the guess by it."""
    disclose(untouched, [one["id"] for one in findings(untouched)], tmp_path / "all.json")
    document = json.loads((tmp_path / "all.json").read_text())
    evidence = [row for row in verify_disclosure(tmp_path / "all.json", Asked()).rows if row["kind"] == "evidence"]
    assert any(row["withheld"] for row in evidence), "no row of the harbour has an answer"
    assert not [field for row in document["rows"] for field in row["fields"] if field.get("name") == "raw"]


def test_what_repeats_a_text_within_a_withheld_value_goes_too(untouched: Path, tmp_path: Path) -> None:
    wanted = next(one for one in findings(untouched) if any(isinstance(value, str) and len(value) > 3 for value in one["detail"].values()))
    texts = {value for value in wanted["detail"].values() if isinstance(value, str) and len(value) > 3}
    disclose(untouched, [wanted["id"]], tmp_path / "x.json", without=["detail"])
    rows = json.loads((tmp_path / "x.json").read_text())["rows"]
    shown = [field["value"] for row in rows for field in row["fields"] if "value" in field and _kind(row) != "check"]
    assert not texts & {value for value in shown if isinstance(value, str)}


def _kind(row: Any) -> str:
    return next(str(field["value"]) for field in row["fields"] if field.get("name") == "kind")


def test_the_salts_of_two_fields_or_rows_are_never_the_same(shown: Path) -> None:
    salts = [field["salt"] for row in json.loads(shown.read_text())["rows"] for field in row["fields"]]
    assert len(salts) == len(set(salts)) > 20


def _value(document: Any) -> None:
    document["rows"][-1]["fields"][-1]["value"] = "other"


def _place(document: Any) -> None:
    document["rows"][0]["place"] ^= 1


def _path(document: Any) -> None:
    document["rows"][0]["path"][0] = "00" * 32


def _left_out(document: Any) -> None:
    del document["rows"][0]["fields"][0]


def _none(document: Any) -> None:
    document["rows"] = []


def _other_place(document: Any) -> None:
    document["rows"][0]["place"] = 1 << 40


WRONG: dict[str, Callable[[Any], None]] = {
    "a value": _value,
    "a place": _place,
    "a node": _path,
    "a field left out": _left_out,
    "no rows": _none,
    "a place beyond the tree": _other_place,
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_changed_row_is_told(shown: Path, change: Callable[[Any], None]) -> None:
    document = json.loads(shown.read_text())
    change(document)
    shown.write_text(json.dumps(document))
    found = verify_disclosure(shown, Asked())
    assert found.wrong
    assert "rows are of the assessment" in next(claim.what for claim in found.claims if claim.holds is False)


def test_rows_under_no_signature_are_of_nothing(shown: Path) -> None:
    document = json.loads(shown.read_text())
    document["envelope"]["signatures"][0]["sig"] = base64.b64encode(bytes(64)).decode()
    shown.write_text(json.dumps(document))
    found = verify_disclosure(shown, Asked())
    assert found.wrong and not any(claim.holds for claim in found.claims)


def _twice(document: Any) -> None:
    fields = document["rows"][0]["fields"]
    fields.append(fields[0])


def _no_kind(document: Any) -> None:
    document["rows"][0]["fields"] = [field for field in document["rows"][0]["fields"] if field.get("name") != "kind"]


def _more(document: Any) -> None:
    document["rows"][0]["verdict"] = "pass"


def _deep(document: Any) -> None:
    document["rows"][0]["path"] *= 9


def _row_twice(document: Any) -> None:
    """One finding as two: what tells them apart is withheld in one of them."""
    document["rows"].append(json.loads(json.dumps(document["rows"][-1])))
    shown = next(field for field in document["rows"][-1]["fields"] if field["name"] != "kind")
    salted = commitment(shown["name"], shown["value"], bytes.fromhex(shown["salt"])).hex()
    shown.clear()
    shown["commitment"] = salted


MISSHAPEN: dict[str, Callable[[Any], None]] = {
    "a row twice": _row_twice,
    "a field twice": _twice,
    "no kind": _no_kind,
    "a path without end": _deep,
    "no envelope": lambda document: document.pop("envelope"),
    "another format": lambda document: document.update(format=2),
    "a note": lambda document: document.update(note="all other rows passed"),
    "a note at a row": _more,
    "a row that is none": lambda document: document["rows"].append(1),
}


@pytest.mark.parametrize("change", MISSHAPEN.values(), ids=MISSHAPEN)
def test_another_form_is_refused(shown: Path, change: Callable[[Any], None]) -> None:
    document = json.loads(shown.read_text())
    change(document)
    shown.write_text(json.dumps(document))
    with pytest.raises(InputError):
        verify_disclosure(shown, Asked())


def test_a_member_that_stands_twice_is_refused(shown: Path) -> None:
    """Who reads the file sees the first, programs mostly take the last."""
    text = shown.read_text()
    at = text.index('"value": "fail"')
    shown.write_text(f'{text[:at]}"value": "pass", {text[at:]}')
    with pytest.raises(InputError, match="stands twice"):
        verify_disclosure(shown, Asked())


REFUSED = {
    "no such finding": (["device.telnet_service|host:x/1|tcp/23"], "no verdict"),
}


@pytest.mark.parametrize(("names", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_there_is_not_shown(untouched: Path, tmp_path: Path, names: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        disclose(untouched, names, tmp_path / "x.json")


def test_without_the_private_file(out: Path, tmp_path: Path) -> None:
    (out / "seal.private.json").unlink()
    with pytest.raises(InputError, match=r"has no seal\.private\.json"):
        disclose(out, [findings(out)[0]["id"]], tmp_path / "x.json")


def test_not_into_the_sealed_folder(untouched: Path) -> None:
    with pytest.raises(InputError, match="lies in the sealed folder"):
        disclose(untouched, [findings(untouched)[0]["id"]], untouched / "bundle" / "x.json")


def test_a_slip_in_what_to_withhold(untouched: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no row has a field 'adress'"):
        disclose(untouched, [findings(untouched)[0]["id"]], tmp_path / "x.json", without=["adress"])
    assert not (tmp_path / "x.json").exists()


@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 130])
def test_every_leaf_leads_to_the_root(count: int) -> None:
    leaves = [leaf([bytes([n]) * 32]) for n in range(count)]
    tree = Tree(leaves, b"s" * 32)
    height = max(LEAVES_MIN, 1 << (count - 1).bit_length()).bit_length() - 1
    for one, (place, path) in tree.paths(leaves).items():
        assert len(path) == height
        assert root_of(one, place, path) == tree.root()
        assert root_of(one, place ^ 1, path) != tree.root()
    with pytest.raises(KeyError):
        tree.paths([bytes(32)])
