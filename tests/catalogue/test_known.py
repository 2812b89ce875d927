"""Names found, and facts gathered over products that get the same updates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from plumbline.catalogue.advisories import advisories
from plumbline.catalogue.intake import import_files
from plumbline.catalogue.known import Catalogue, Known
from plumbline.evidence.engine import Connection
from plumbline.evidence.reference import Reference
from tests.catalogue.importers.test_endoflife import ANSWER
from tests.catalogue.importers.test_zigbee_herdsman_converters import FILE
from tests.catalogue.importers.test_zigbee_ota import IMAGE
from tests.catalogue.making import NOW, document, imported, opened

OWN = """
[[product]]
vendor = "Northwind"
model = "Cam-3"
aliases = ["Contoso/Dome 3"]
identifiers = ["adu:northwind/cam-3", "endoflife:some-os", "cpe:o:northwind:cam", "model:northwind/nw3"]
[[product]]
vendor = "Other"
model = "Cam-3"
identifiers = ["cpe:o:northwind:cam"]
[[product]]
vendor = "Aqara"
model = "Lamp"
identifiers = ["zigbee-model:lumi.sens"]
[[release]]
product = "contoso/dome 3"
version = "9"
[[release]]
product = "other/cam-3"
version = "5"
"""


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    image = {**IMAGE, "modelId": "lumi.sens"}
    imported(tmp_path, {"own.toml": OWN, "os.json": ANSWER, "index.json": [image]})
    imported(tmp_path, {"own2.toml": '[[product]]\nvendor = "Solo"\nmodel = "Only"'})
    return Catalogue(opened(tmp_path)[0])


NAMES: dict[str, tuple[str, str | None, int]] = {
    "its key in any case": ("NORTHWIND/cam-3 ", "northwind/cam-3", 1),
    "a key that is an alias too": ("Contoso/Dome 3", "contoso/dome 3", 1),
    "an identifier": ("ADU:Northwind/Cam-3", "northwind/cam-3", 1),
    "a model of one vendor": ("Only", "solo/only", 1),
    "a model of two vendors": ("Cam-3", None, 2),
    "an identifier of two products": ("cpe:2.3:o:northwind:cam:1:*:*:*:*:*:*:*", None, 2),
    "an identifier of two that get the same updates": ("zigbee-model:lumi.sens", "aqara/lamp", 2),
    "an alias of software": ("someos", "some-os", 1),
    "nobody's": ("ghost/cam", None, 0),
    "nothing": ("", None, 0),
}


@pytest.mark.parametrize(("name", "product", "candidates"), NAMES.values(), ids=NAMES)
def test_what_a_name_means(catalogue: Catalogue, name: str, product: str | None, candidates: int) -> None:
    found = catalogue.resolve(name)
    assert (found.product, len(found.candidates)) == (product, candidates)


BESIDE: dict[str, tuple[str, list[str], list[str], int]] = {
    "an alias and software that it is built on": ("northwind/cam-3", ["contoso/dome 3", "some-os"], ["9"], 3),
    "software is not what is built on it": ("some-os", [], [], 3),
    "a CPE name may be a family's": ("other/cam-3", [], ["5"], 0),
    "one Zigbee model": ("aqara/lamp", ["danalock/lumi.sens"], ["285671424"], 0),
}


@pytest.mark.parametrize(("product", "beside", "versions", "supports"), BESIDE.values(), ids=BESIDE)
def test_facts_of_products_that_get_the_same_updates(
    catalogue: Catalogue, product: str, beside: list[str], versions: list[str], supports: int
) -> None:
    known = catalogue.known([product])[product]
    assert list(known.with_) == beside
    assert [release.version for release in known.releases] == versions
    assert len(known.supports) == supports


def test_a_real_definition_finds_its_image(tmp_path: Path) -> None:
    folder = tmp_path / "files" / "devices"
    folder.mkdir(parents=True)
    (folder / "a.js").write_text(FILE)
    (tmp_path / "files" / "index.json").write_bytes(document([{**IMAGE, "modelId": "lumi.sens2"}]).data)
    import_files([tmp_path / "files"], tmp_path / "reference", now=NOW)
    known = Catalogue(opened(tmp_path)[0]).known(["aqara/wsd-1"])["aqara/wsd-1"]
    assert [release.version for release in known.releases] == ["285671424"]


def test_facts_are_as_old_as_their_source_says(tmp_path: Path) -> None:
    imported(tmp_path, {"old.toml": 'as_of = 2026-10-01\n[[release]]\nproduct = "a/b"\nversion = "1"'})
    connection, reference = opened(tmp_path)
    known = Catalogue(connection).known(["a/b"])["a/b"]
    assert known.newest_word(known.releases, reference.sources) == datetime(2026, 10, 1, tzinfo=UTC)
    imported(tmp_path, {"new.csv": "product,version\na/b,2\n"}, now=NOW - timedelta(days=1))
    connection, reference = opened(tmp_path)
    known = Catalogue(connection).known(["a/b"])["a/b"]
    assert known.newest_word(known.releases, reference.sources) == NOW - timedelta(days=1)
    assert known.newest_word((), reference.sources) is None


SAID = [
    # vendor, product, cpe, identifiers, vulnerability
    ("northwind", "cam-3", None, None, "CVE-1"),
    ("contoso", "dome 3", None, None, "CVE-2"),
    ("nw", "x", "o:northwind:cam", None, "CVE-3"),
    ("northwind", "y", None, ["model:NW3"], "CVE-4"),
    ("other", "y", None, ["model:NW3"], "CVE-5"),
    (None, "cam-3", None, None, "CVE-6"),
    ("ghost", "z", "o:ghost:z", ["serial:1"], "CVE-7"),
]


def test_advisories_are_found_by_name_cpe_and_model(tmp_path: Path) -> None:
    imported(tmp_path, {"own.toml": OWN})
    connection, _ = opened(tmp_path)
    _say(connection)
    known = Catalogue(connection).known(["northwind/cam-3", "aqara/lamp"])
    found = advisories(connection, known.values())
    assert [(one.vulnerability, one.exploited) for one in found["northwind/cam-3"]] == [(f"CVE-{n}", n == 2) for n in (1, 2, 3, 4)]
    assert found.keys() == {"northwind/cam-3"}
    assert advisories(connection, ()) == {}


def _say(connection: Connection) -> None:
    connection.execute("create or replace table said as select * from reference.affected limit 0")
    for vendor, product, cpe, identifiers, vulnerability in SAID:
        connection.execute(
            "insert into said by name select $v as vendor, $p as product, $c as cpe, $i::varchar[] as identifiers, $n as vulnerability,"
            " 'r' as record, 'csaf' as origin, 'known_affected' as status, true as parsed, 's' as source",
            {"v": vendor, "p": product, "c": cpe, "i": identifiers, "n": vulnerability},
        )
    connection.execute("drop table reference.affected; create view reference.affected as from said")
    connection.execute("insert into reference.exploited by name select 'CVE-2' as id")


def test_an_empty_store_knows_nothing(tmp_path: Path) -> None:
    from plumbline.assess.deriving import define_reference
    from plumbline.evidence.engine import connect

    connection = connect(threads=1)
    define_reference(connection, Reference(tmp_path))
    catalogue = Catalogue(connection)
    assert (len(catalogue), catalogue.resolve("x").product) == (0, None)
    assert catalogue.known([]) == {}
    assert isinstance(catalogue.known(["x"])["x"], Known)
