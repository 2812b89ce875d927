"""Keys of products, and identifiers in their one form."""

from __future__ import annotations

import pytest

from plumbline.catalogue.names import identifier, product_key

KEYS = {
    "as written by people": ("Northwind", "Cam-3", "northwind/cam-3"),
    "blanks": ("  North  wind ", "Cam\t 3", "north wind/cam 3"),
    "a vendor with a slash": ("Tuya/Moes", "X", "tuya moes/x"),
    "no vendor": (None, "Debian", "debian"),
    "a model with a slash": ("IKEA", "E14/WS", "ikea/e14/ws"),
}
IDENTIFIERS = {
    "zigbee in hex": ("ZIGBEE:0x115F/0x1918", "zigbee:4447/6424"),
    "zigbee for one model": ("zigbee:4447/6424@Lumi.Switch", "zigbee:4447/6424@lumi.switch"),
    "matter": ("matter:0xFFF1/0x8000", "matter:65521/32768"),
    "CPE 2.3": ("cpe:2.3:o:northwind:cam-3_firmware:1.4:*:*:*:*:*:*:*", "cpe:o:northwind:cam-3_firmware"),
    "CPE 2.2": ("cpe:/h:siemens:s7-1200:-", "cpe:h:siemens:s7-1200"),
    "CPE with an escape": (r"cpe:2.3:a:x:a\:b:*:*:*:*:*:*:*:*", r"cpe:a:x:a\:b"),
    "purl": ("pkg:generic/Cam@1.2?arch=arm#x", "purl:pkg:generic/cam"),
    "adu": ("adu:Contoso/Toaster", "adu:contoso/toaster"),
    "in its form already": ("cpe:o:a:b", "cpe:o:a:b"),
}


@pytest.mark.parametrize(("vendor", "model", "key"), KEYS.values(), ids=KEYS)
def test_a_key(vendor: str | None, model: str, key: str) -> None:
    assert product_key(vendor, model) == key


@pytest.mark.parametrize(("vendor", "model"), [("Northwind", " "), (None, ""), ("x", "y" * 400)])
def test_what_names_no_product_is_refused(vendor: str | None, model: str) -> None:
    with pytest.raises(ValueError, match="no vendor and model"):
        product_key(vendor, model)


@pytest.mark.parametrize(("written", "one"), IDENTIFIERS.values(), ids=IDENTIFIERS)
def test_an_identifier_has_one_form(written: str, one: str) -> None:
    assert identifier(written) == one
    assert identifier(one) == one
