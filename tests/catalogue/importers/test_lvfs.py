"""LVFS metadata: components, releases, and XML that is meant to choke."""

from __future__ import annotations

import pytest

from plumbline.catalogue.facts import Product, Release
from tests.catalogue.making import document, facts, read, unread

COMPONENT = """<?xml version="1.0" encoding="UTF-8"?>
<components origin="lvfs" version="0.9">
 <component type="firmware">
  <id>com.hughski.ColorHug2.firmware</id>
  <name>ColorHug2</name>
  <summary>Firmware for the colorimeter</summary>
  <developer_name>Hughski Limited</developer_name>
  <provides><firmware type="flashed">2082b5e0-7a64-478a-b1b2-e3404fab6dad</firmware></provides>
  <requires><firmware compare="ge" version="2.0.0"/><id compare="ge" version="1.9">org.freedesktop.fwupd</id></requires>
  <url type="homepage">https://example.org/</url>
  <releases>
   <release urgency="high" version="2.0.7" timestamp="1482901200">
    <location>https://example.org/2.0.7.cab</location>
    <checksum type="sha256" target="container" filename="x.cab">{container}</checksum>
    <checksum type="sha256" target="content" filename="x.bin">{content}</checksum>
    <description><p>Mends a <em>hole</em>.</p><ul><li>And more.</li></ul></description>
    <size type="installed">16384</size>
    <issues><issue type="cve">CVE-2016-1</issue><issue type="dell">DSA-1</issue></issues>
   </release>
   <release version="2.0.6" date="2016-10-01"/>
   <release/>
  </releases>
 </component>
 <component type="desktop"><id>x</id><name>x</name></component>
</components>""".format(container="1" * 64, content="2" * 64)


def test_a_component_is_a_product_with_its_releases() -> None:
    found = read("lvfs", document(COMPONENT, "firmware.xml"))
    product, newer, older = facts(found)
    assert isinstance(product, Product)
    assert isinstance(newer, Release)
    assert isinstance(older, Release)
    assert (product.product, product.vendor) == ("hughski limited/colorhug2", "Hughski Limited")
    assert product.identifiers == ("lvfs:com.hughski.colorhug2.firmware", "guid:2082b5e0-7a64-478a-b1b2-e3404fab6dad")
    assert (newer.version, newer.sha256, newer.size_bytes, newer.fixes) == ("2.0.7", "2" * 64, 16384, ("CVE-2016-1",))
    assert (newer.min_from, newer.notes) == ("2.0.0", "Mends a hole.And more.")
    assert str(older.released_at) == "2016-10-01 00:00:00+00:00"
    assert unread(found) == ["com.hughski.ColorHug2.firmware: a release without a version"]


NAMELESS = '<components><component type="firmware"><id>{}</id></component></components>'
HOSTILE = {
    "entities without end": '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + NAMELESS.format("&b;"),
    "a file of the machine": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + NAMELESS.format("&a;"),
    "cut": COMPONENT[: len(COMPONENT) // 2],
    "no name": NAMELESS.format("x"),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_xml_is_unread(text: str) -> None:
    found = read("lvfs", document(text, "x.xml"))
    assert facts(found) == []
    assert unread(found)
