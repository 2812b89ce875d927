"""The loader: the form of a check file, and one clear line for each thing wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.checks.loader import load_check
from plumbline.checks.problems import CheckErrors
from plumbline.model.words import Layer, Severity
from tests.checks.making import BASE

TEXT = BASE.read_text(encoding="utf-8")


def written(tmp_path: Path, text: str, place: str = "gateway/some_check.toml") -> Path:
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_id_comes_from_the_place(tmp_path: Path) -> None:
    check = load_check(written(tmp_path, TEXT))
    assert (check.id, check.layer, check.score, check.severity) == ("gateway.some_check", Layer.GATEWAY, 9.4, Severity.CRITICAL)


@pytest.mark.parametrize("place", ["nowhere/some_check.toml", "gateway/Some.toml", "gateway/ab.toml", "gateway/some-check.toml"])
def test_a_wrong_place_is_refused(tmp_path: Path, place: str) -> None:
    with pytest.raises(CheckErrors):
        load_check(written(tmp_path, TEXT, place))


PROVISIONS = next(line for line in TEXT.splitlines() if line.startswith("provisions = "))

CASES = [
    ("no TOML", TEXT, "title =", "cannot be read as TOML"),
    ("a key is missing", 'effort = "hours"\n', "", "effort: missing"),
    ("an unknown key", 'effort = "hours"\n', 'effort = "hours"\nurgency = 1\n', "urgency: unknown key"),
    ("an unknown effort", '"hours"', '"ages"', "effort: 'ages' is none of"),
    ("a wrong vector", "CVSS:3.1/AV:N", "CVSS:3.1/AV:X", "cvss: not a CVSS vector"),
    ("an unknown table", 'subjects = "mqtt_broker"', 'subjects = "broker"', "subjects: no table 'broker'"),
    ("a provision without its standard", '"owasp-iot-top10-2018/I2"', '"I2"', "provisions: 'I2' is not of the form"),
    ("a provision of no standard", '"owasp-iot-top10-2018/I2"', '"owasp-iot-top10-2018/I11"', "did you mean owasp-iot-top10-2018/I"),
    ("no provision", PROVISIONS, "provisions = []", "at least one provision"),
    ("a title too long", "MQTT broker lets", "MQTT broker lets " + "x" * 90, "title: "),
    ("a recommendation in two lines", "and topic rights.", "and\\ntopic rights.", "recommendation: must be one line"),
    ("a need without its scope", 'query = """', 'pass_needs = ["host"]\nquery = """', "pass_needs: 'host' is not of the form"),
    ("a need on no table", 'query = """', 'pass_needs = ["rig.hosts"]\nquery = """', "pass_needs: no table 'hosts'"),
    ("an alias that is no id", 'query = """', 'aliases = ["old"]\nquery = """', "aliases: 'old' is not of the form"),
    ("an alias twice", 'query = """', 'aliases = ["a.old", "a.old"]\nquery = """', "aliases: names one entry twice"),
    ("an example without a name", 'name = "accepted"\n', "", "has no name"),
    ("two examples of one name", 'name = "refused"', 'name = "accepted"', "two examples have one name"),
    ("an example with an unknown column", "anonymous_accepted = false", "anonymous = false", "no column 'anonymous'"),
    ("an example with an unknown table", 'mqtt_broker = [{ asset = "a", subject = "tcp/1883" }]', "broker = []", "broker: no such table"),
    ("an unknown outcome", 'outcome = "protocol_error"', 'outcome = "bad"', "'bad' is no outcome"),
    ("an unknown verdict", 'verdict = "pass"', 'verdict = "good"', "'good' is no verdict"),
    ("no passing example", 'verdict = "pass"', 'verdict = "fail"', "none expects pass"),
    ("no failing example", 'subject = "tcp/1883", verdict = "fail"', 'subject = "tcp/1883", verdict = "pass"', "none expects fail"),
    (
        "an example of no asset",
        '{ asset = "a", subject = "tcp/1883", anonymous_accepted = true }',
        '{ subject = "tcp/1883" }',
        "each row names an asset or an entity",
    ),
    ("a parameter that it does not have", 'name = "accepted"', 'name = "accepted"\nparameters = { days = 1 }', "no parameter 'days'"),
    (
        "a date without a zone",
        'name = "accepted"',
        'name = "accepted"\nas_of = 2026-11-21T00:00:00',
        "must be a date and time with its zone",
    ),
]


@pytest.mark.parametrize(("name", "old", "new", "words"), CASES, ids=[case[0] for case in CASES])
def test_refused(tmp_path: Path, name: str, old: str, new: str, words: str) -> None:
    assert old in TEXT
    with pytest.raises(CheckErrors) as caught:
        load_check(written(tmp_path, TEXT.replace(old, new)))
    assert f"gateway/some_check.toml: {words}" in str(caught.value) or words in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('type = "int"\ndefault = 0\nmin = 1\nmax = 9\nabout = "x"', "0 is below its minimum 1"),
        ('type = "int"\ndefault = 10\nmin = 1\nmax = 9\nabout = "x"', "10 is above its maximum 9"),
        ('type = "int"\ndefault = true\nabout = "x"', "True is not of type int"),
        ('type = "int"\ndefault = 1.5\nabout = "x"', "1.5 is not of type int"),
        ('type = "list<text>"\ndefault = [1]\nabout = "x"', "is not a list of texts"),
        ('type = "float"\ndefault = 1.5\nabout = "x"', "type 'float' is none of"),
        ('type = "int"\ndefault = 1', "wants type, default and about"),
    ],
)
def test_a_bad_parameter_is_refused(tmp_path: Path, entry: str, words: str) -> None:
    with pytest.raises(CheckErrors) as caught:
        load_check(written(tmp_path, TEXT + f"\n[parameter.days]\n{entry}\n"))
    assert words in str(caught.value)


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    text = TEXT.replace('effort = "hours"', 'effort = "ages"').replace('subjects = "mqtt_broker"', 'subjects = "x"')
    with pytest.raises(CheckErrors) as caught:
        load_check(written(tmp_path, text))
    assert {problem.key for problem in caught.value.problems} == {"subjects", "effort"}
