"""Walks every provision, and every mapping of a check to one: each has its words, its page, its place on the command line."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest

from docs.generate import standard_page
from plumbline.checks.registry import load_registry
from plumbline.cli.exits import guarded
from plumbline.cli.main import app
from plumbline.standards.loading import find_provision, load_standards
from plumbline.standards.profiles import Profile, load_profiles
from plumbline.standards.standard import Provision
from plumbline.standards.ways import Way, way

REGISTRY = load_registry()
PROVISIONS = [provision for standard in load_standards().values() for provision in standard.provisions.values()]
MAPPINGS = [(check.id, ref) for check in REGISTRY.checks.values() for ref in check.provisions]
STATEMENT = re.compile(r"complian(t|ce)\b", re.IGNORECASE)


@cache
def sections(standard: str) -> dict[str, str]:
    """The sections of a standard's page by the id of the provision."""
    page = standard_page(load_standards()[standard])
    return {text.partition("\n")[0]: text for text in page.split("\n## ")[1:]}


@pytest.fixture(scope="module")
def shown() -> dict[str, Any]:
    """What `standards show` said of a provision, by its ref; asked once each."""
    return {}


@pytest.mark.parametrize("standard", load_standards())
def test_a_page_has_every_provision_in_order(standard: str) -> None:
    assert list(sections(standard)) == list(load_standards()[standard].provisions)
    assert not STATEMENT.search(standard_page(load_standards()[standard]))


@pytest.mark.parametrize("provision", PROVISIONS, ids=lambda provision: provision.ref)
def test_a_provision_is_answered_and_its_page_says_how(provision: Provision) -> None:
    checks = REGISTRY.naming(provision.ref)
    answered = way(provision, bool(checks))
    assert not (provision.whole and not checks), "its checks prove it alone, and there are none"
    assert answered is not Way.GAP or provision.gap is not None, "no check, no question, no test by hand, and no reason why"
    section = sections(provision.standard)[provision.id]
    for words in (provision.title, provision.summary, provision.declare, provision.manual, provision.gap, str(answered)):
        assert words is None or words in section
    assert provision.manual is None or "asses when" in provision.manual, "a test by hand must say what passes"
    assert provision.declare is None or "?" in provision.declare, "what is declared is the answer to a question"


@pytest.mark.parametrize(("check", "ref"), MAPPINGS, ids=lambda word: word)
def test_a_mapping_is_told_by_the_page_and_by_the_command(
    check: str, ref: str, shown: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    provision = find_provision(ref)
    assert f"[{check}](../checks-" in sections(provision.standard)[provision.id]
    if ref not in shown:
        assert guarded(lambda: app(["standards", "show", ref, "--json"], prog_name="plumbline")) == 0
        shown[ref] = json.loads(capsys.readouterr().out)
    assert check in shown[ref]["checks"]


@pytest.mark.parametrize("profile", load_profiles().values(), ids=lambda profile: profile.id)
def test_a_profile_rates_checks_that_exist_and_otherwise_than_they_do(profile: Profile) -> None:
    for name, severity in profile.severities.items():
        assert REGISTRY.get(name).severity is not severity
