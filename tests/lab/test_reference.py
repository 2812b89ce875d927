"""The lab's reference data: every word of its vendor is taken, none refused, and it is what the lab's own values say."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from plumbline.catalogue.intake import import_files
from plumbline.evidence.reference import Reference
from plumbline.lab.catalogue import PRODUCTS
from plumbline.lab.reference import SOURCES, write
from plumbline.model.errors import InputError
from tests.lab.conftest import AT


def rows(reference: Reference, table: str) -> list[dict[str, object]]:
    return [row for part in reference.parts(table) for row in pq.read_table(part).to_pylist()]


def test_everything_is_taken(tmp_path: Path) -> None:
    reference = Reference(write(AT, tmp_path))
    assert [source.refused for source in reference.sources.values()] == [()] * len(reference.sources)
    releases = {(row["product"], row["version"]): row["state"] for row in rows(reference, "release")}
    assert releases == {
        (product.model, one.version): "retracted" if one.retracted else "active"
        for product in PRODUCTS.values()
        for one in product.releases
    }
    ends = {(row["product"], row["cycle"]) for row in rows(reference, "support")}
    assert ends == {(product.model, one.branch) for product in PRODUCTS.values() for one in product.support}
    said = {(row["vulnerability"], f"{row['vendor']}/{row['product']}") for row in rows(reference, "affected")}
    assert said == {(one.id, product.model) for product in PRODUCTS.values() for one in product.advisories}


def test_an_older_store_is_replaced_by_the_same(tmp_path: Path) -> None:
    first = Reference(write(AT, tmp_path))
    assert first.sources.keys() == SOURCES
    second = Reference(write(AT, tmp_path))
    assert (second.digests(), second.sources) == (first.digests(), first.sources)


def test_reference_data_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("product,version\nacme/pump,1.0\n")
    import_files([tmp_path / "mine.csv"], tmp_path / "reference", now=AT)
    with pytest.raises(InputError, match="holds reference data of yours"):
        write(AT, tmp_path)
    assert set(Reference(tmp_path / "reference").sources) == {"own-mine"}


def test_names_are_the_labs_own() -> None:
    assert {model.partition("/")[0] for model in PRODUCTS} == {"northwind"}
    assert all(one.id.startswith("NW-") for product in PRODUCTS.values() for one in product.advisories)
