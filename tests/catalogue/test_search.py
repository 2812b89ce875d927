"""Search by words and facets, counts over all hits."""

from __future__ import annotations

import pytest

from plumbline.catalogue.search import Query, search
from plumbline.evidence.engine import Connection
from tests.catalogue.making import NOW, imported, opened

CSV = """vendor,model,title,device_class,sensors,verticals,protocols,version,security_ends_at,cycle,ended
Northwind,Cam-3,Dome camera,camera,image|motion,food,rtsp,1.0,,,
Northwind,Cam-3,,,,,,2.0,2020-01-01,,
Northwind,Gate-1,Gateway,gateway,,logistics|food,modbus|mqtt,,2030-01-01,a,
Northwind,Gate-1,,,,,,,2020-01-01,b,
Contoso,Thermo,Cold room sensor,sensor,Temperature,food,zigbee,,,,yes
Contoso,Thermo-2,Cold room sensor,sensor,temperature|humidity,,zigbee,,2020-01-01,a,
Contoso,Thermo-2,,,,,,9,,,
"""
OTHER = "vendor,model,protocols,cycle,latest\nnorthwind,cam-3,onvif,,\nContoso,Thermo-2,,b,1\n"


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Connection:
    folder = tmp_path_factory.mktemp("search")
    imported(folder, {"one.csv": CSV, "two.csv": OTHER})
    return opened(folder)[0]


CAM, GATE, THERMO, THERMO_2 = "northwind/cam-3", "northwind/gate-1", "contoso/thermo", "contoso/thermo-2"
QUERIES = {
    "everything": (Query(), [THERMO, THERMO_2, CAM, GATE]),
    "a word in any case": (Query(("DOME",)), [CAM]),
    "every word": (Query(("cold", "contoso", "2")), [THERMO_2]),
    "a word of another source": (Query(facets={"protocol": "ONVIF"}), [CAM]),
    "a facet in any case": (Query(facets={"sensor": "temperature"}), [THERMO, THERMO_2]),
    "two facets": (Query(facets={"vertical": "food", "vendor": "northwind"}), [CAM, GATE]),
    "a class": (Query(facets={"class": "gateway"}), [GATE]),
    "support that has ended, in every branch that is known": (Query(unsupported=True), [THERMO, CAM]),
    "nothing": (Query(("ghost",)), []),
    "what looks like SQL": (Query(("' or 1=1 --",)), []),
}


@pytest.mark.parametrize(("query", "products"), QUERIES.values(), ids=QUERIES)
def test_what_is_found(connection: Connection, query: Query, products: list[str]) -> None:
    found = search(connection, query, NOW)
    assert ([hit.product for hit in found.hits], found.count) == (products, len(products))


def test_counts_are_of_all_hits_and_the_list_is_cut(connection: Connection) -> None:
    found = search(connection, Query(), NOW, limit=1)
    assert (found.count, len(found.hits)) == (4, 1)
    assert found.facets["vendor"] == (("Contoso", 2), ("Northwind", 2))
    assert found.facets["sensor"] == (("Temperature", 2), ("humidity", 1), ("image", 1), ("motion", 1))
    assert found.facets["protocol"][0] == ("zigbee", 2)


def test_a_hit_over_two_sources(connection: Connection) -> None:
    [hit] = search(connection, Query(("cam-3",)), NOW).hits
    assert (hit.title, hit.releases, hit.support_ended, hit.sources) == ("Dome camera", 2, True, ("own-one", "own-two"))
    assert hit.protocols == ("onvif", "rtsp")
