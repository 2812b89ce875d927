"""Topic shapes keep words and drop whom they are about."""

from __future__ import annotations

import pytest

from plumbline.protocols.mqtt_topics import MAX_LEVELS, topic_shape
from tests.protocols.fuzzing import FuzzTarget

CASES = [
    ("words stay", "factory/line/temperature", "factory/line/temperature"),
    ("case stays", "Factory/LineTemp", "Factory/LineTemp"),
    ("broker's own", "$SYS/broker/clients/total", "$SYS/broker/clients/+"),
    ("empty levels", "/a//b/", "/a//b/"),
    ("filters", "a/+/#", "a/+/#"),
    ("digits", "room/12/temp", "room/+/temp"),
    ("digits behind a word", "room12/temp", "room+/temp"),
    ("numbered parts", "line-7_cell-12/state", "line-+_cell-+/state"),
    ("uuid", "x/6fa459ea-ee8a-3ca4-894e-db77e160355e/y", "x/+/y"),
    ("uuid in braces", "{6FA459EA-EE8A-3CA4-894E-DB77E160355E}", "+"),
    ("mac with colons", "tele/24:a4:3c:10:00:01/STATE", "tele/+/STATE"),
    ("mac with dashes", "24-A4-3C-10-00-01", "+"),
    ("mac without separators", "shellies/24A43C100001/relay", "shellies/+/relay"),
    ("eui-64", "application/1/device/0004a30b001a2b3c/rx", "application/+/device/+/rx"),
    ("eui-64 in letters alone", "aabbccddeeffaabb", "+"),
    ("hex", "node/deadbeef01", "node/+"),
    ("hex with 0x", "zigbee/0x00124b0012345678", "zigbee/+"),
    ("a word of hex letters", "facade/decade", "facade/decade"),
    ("token", "t/x7Gq2Lz9/up", "t/+/up"),
    ("mac inside a name", "cam-a1b2c3/state", "+/state"),
    ("mail address", "owner/ann@example.org/lamp", "owner/+/lamp"),
    ("behind a plural", "devices/boiler/messages/events/", "devices/+/messages/events/"),
    ("behind a plural, any case", "$aws/Things/pump/shadow", "$aws/Things/+/shadow"),
    ("long", "a/" + "b" * 40, "a/+"),
    ("letters of other scripts stay", "Küche/温度", "Küche/温度"),
    ("digits of other scripts go", "室/١٢", "室/+"),
    ("nothing", "", ""),
]


@pytest.mark.parametrize(("name", "topic", "shape"), CASES, ids=[case[0] for case in CASES])
def test_shapes(name: str, topic: str, shape: str) -> None:
    assert topic_shape(topic) == shape


@pytest.mark.parametrize(("name", "topic", "shape"), CASES, ids=[case[0] for case in CASES])
def test_a_shape_is_its_own_shape(name: str, topic: str, shape: str) -> None:
    assert topic_shape(shape) == shape


def test_the_number_of_levels_is_limited() -> None:
    assert topic_shape("/".join(["a"] * MAX_LEVELS)) == "/".join(["a"] * MAX_LEVELS)
    assert topic_shape("a/" * 30_000) == "/".join(["a"] * MAX_LEVELS) + "/..."


def shape_of_any_text(data: bytes) -> str:
    shape = topic_shape(data.decode(errors="replace"))
    assert not any(character.isdecimal() for character in shape)
    return shape


FUZZ = [FuzzTarget("mqtt_topics", shape_of_any_text, [topic.encode() for _, topic, _ in CASES])]
