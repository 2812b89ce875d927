"""Names of products: the key `vendor/model`, and identifiers by which others call the same product.

    zigbee:4447/6424@lumi.switch.acn055     manufacturer code / image type, decimal; @model or @maker where an image is for those alone
    zigbee-model:ts0601@_tze200_amp6tsvy    model that a device reports; @maker where several report one
    matter:4447/8194                        vendor id / product id, decimal
    adu:contoso/toaster                     manufacturer/model: how Azure Device Update finds the updates of a device
    cpe:o:northwind:cam-3_firmware          part:vendor:product
    purl:pkg:generic/northwind/cam-3        without version and qualifiers
    gtin:..., lvfs:..., endoflife:debian    as its owner writes it

Not the look-up (`known`). Rules: all are lower case with single spaces; a vendor holds no slash, so that the first slash parts the two.
"""

from __future__ import annotations

import re

KEY_MAX = 300
_SPACE = re.compile(r"\s+")
_NUMBERS = re.compile(r"(zigbee|matter):(0x[0-9a-f]{1,8}|\d{1,10})/(0x[0-9a-f]{1,8}|\d{1,10})(@.{1,200})?")
_CPE23 = re.compile(r"cpe:2\.3:([aoh]):((?:[^:\\]|\\.)+):((?:[^:\\]|\\.)+)(?::.*)?")
_CPE22 = re.compile(r"cpe:/([aoh]):([^:]+):([^:]+)(?::.*)?")


def plain(text: str) -> str:
    """Put a name into the form in which names are compared: lower case, single spaces, none around it."""
    return _SPACE.sub(" ", text).strip().lower()


def product_key(vendor: str | None, model: str) -> str:
    """Make the key of a product; raises ValueError when a part is missing or too long to be a name."""
    name, maker = plain(model), plain((vendor or "").replace("/", " "))
    key = f"{maker}/{name}" if maker else name
    if not name or len(key) > KEY_MAX:
        raise ValueError("no vendor and model that could name a product")
    return key


def identifier(text: str) -> str:
    """Put an identifier into its one form; a text that is none stays as it is, but for case and spaces."""
    text = plain(text)
    if numbers := _NUMBERS.fullmatch(text):
        kind, first, second, only = numbers.groups()
        return f"{kind}:{int(first, 0)}/{int(second, 0)}{only or ''}"
    if cpe := _CPE23.fullmatch(text) or _CPE22.fullmatch(text):
        return f"cpe:{':'.join(cpe.groups())}"
    if text.startswith("pkg:"):
        return f"purl:{re.split(r'[@?#]', text)[0]}"
    return text
