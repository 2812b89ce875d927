"""`plumbline standards`: list, show."""

import pytest

from plumbline.checks.registry import load_registry
from plumbline.standards.loading import load_standards
from plumbline.standards.profiles import load_profiles
from tests.cli.conftest import Call


def test_list(call: Call) -> None:
    ended = call("standards", "list")
    assert ended.code == 0
    for profile in load_profiles().values():
        assert any(line.split()[:2] == [profile.id, str(len(profile.provisions))] for line in ended.out.splitlines())


def test_list_as_json(call: Call) -> None:
    listed = call("standards", "list", "--json").json
    assert {one["id"]: one["count"] for one in listed["standards"]} == {name: len(one.provisions) for name, one in load_standards().items()}
    assert {one["id"] for one in listed["profiles"]} == load_profiles().keys() - load_standards().keys()


@pytest.mark.parametrize("name", ["uk-psti-2023", "psti"])
def test_show_a_set(call: Call, name: str) -> None:
    ended = call("standards", "show", name)
    assert ended.code == 0
    profile = load_profiles()[name]
    assert profile.title in ended.out
    rows = {line.split()[0]: line for line in ended.out.splitlines() if line.strip()}
    for provision in profile.provisions:
        count = len(load_registry().naming(provision.ref))
        row = rows[provision.id if name in load_standards() else provision.ref].split()
        assert row == [row[0], provision.level, *([str(count)] if count else []), "by", "hand", *provision.title.split()]


def test_show_a_set_as_json(call: Call) -> None:
    shown = call("standards", "show", "cra-readiness", "--json").json
    assert (shown["thresholds"], len(shown["provisions"])) == ({"fail": 0, "inconclusive": 8}, 22)
    assert shown["severities"]["update.image_unsigned"] == "critical"


def test_show_a_provision(call: Call) -> None:
    ended = call("standards", "show", "etsi-en-303-645/5.3-15A")
    provision = load_standards()["etsi-en-303-645"].provisions["5.3-15A"]
    for words in (provision.summary, provision.declare, provision.manual, "recommended, R C (3)", "each device", "medium, that our words"):
        assert words is not None
        assert words in ended.out
    assert "software components cannot be updated" in ended.out


def test_show_a_provision_as_json(call: Call) -> None:
    shown = call("standards", "show", "etsi-en-303-645/5.5-5", "--json").json
    assert shown["ref"] == "etsi-en-303-645/5.5-5"
    assert "gateway.broker_accepts_anonymous" in shown["checks"]
    assert shown["answered_by"] == "checks, and a test by hand for what they leave open"
    assert shown["applies_when"] == ["security-relevant configuration possible over a network interface"]


@pytest.mark.parametrize(
    ("name", "near"),
    [("etsi-en-303-654", "etsi-en-303-645"), ("uk-psti-2023/Sch1-4", "uk-psti-2023/Sch1-1"), ("zzzz", "standards list")],
)
def test_what_is_not_there_names_the_nearest(call: Call, name: str, near: str) -> None:
    ended = call("standards", "show", name)
    assert (ended.code, ended.out) == (2, "")
    assert near in ended.err
