"""The registry of checks, the shipped ones among them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from plumbline.checks.examples import ExampleRunner
from plumbline.checks.problems import CheckErrors
from plumbline.checks.registry import Registry, load_registry
from plumbline.model.errors import InputError
from tests.checks.making import BASE

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "standards.toml"
TEXT = BASE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def test_every_example_of_every_shipped_check_holds(registry: Registry) -> None:
    runner = ExampleRunner()
    assert [str(problem) for check in registry.checks.values() for problem in runner.failures(check, registry.shapes[check.id])] == []


def test_every_provision_named_exists(registry: Registry) -> None:
    if not REFERENCE.exists():
        pytest.skip("the reference data is not beside the repository")
    data = tomllib.loads(REFERENCE.read_text(encoding="utf-8"))
    known = {f"{standard['id']}/{provision['id']}" for standard in data["standard"] for provision in standard["provision"]}
    named = {(check.id, provision) for check in registry.checks.values() for provision in check.provisions}
    assert sorted(pair for pair in named if pair[1] not in known) == []


def test_checks_stand_in_the_order_of_their_ids(registry: Registry) -> None:
    assert list(registry.checks) == sorted(registry.checks)


def own(tmp_path: Path, text: str, name: str = "gateway/mine.toml") -> Path:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return tmp_path


def test_a_folder_of_ones_own_adds_checks(tmp_path: Path, registry: Registry) -> None:
    both = load_registry(own(tmp_path, TEXT))
    assert both.checks.keys() - registry.checks.keys() == {"gateway.mine"}
    assert both.digest != registry.digest


def test_one_bad_check_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(CheckErrors, match="effort: missing"):
        load_registry(own(tmp_path, TEXT.replace('effort = "hours"\n', "")))


def test_a_second_check_of_one_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckErrors, match="another check has the id"):
        load_registry(own(tmp_path, TEXT, "gateway/broker_accepts_anonymous.toml"))


def test_an_alias_is_found_and_may_not_be_an_id(tmp_path: Path) -> None:
    folder = own(tmp_path / "good", TEXT.replace('query = """', 'aliases = ["gateway.old_name"]\nquery = """', 1))
    assert load_registry(folder).get("gateway.old_name").id == "gateway.mine"
    folder = own(tmp_path / "bad", TEXT.replace('query = """', 'aliases = ["gateway.broker_accepts_anonymous"]\nquery = """', 1))
    with pytest.raises(CheckErrors, match="is an id or alias already"):
        load_registry(folder)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no checks"):
        load_registry(tmp_path)


def test_an_unknown_id_names_the_nearest(registry: Registry) -> None:
    with pytest.raises(InputError, match=r"gateway\.broker_accepts_anonymous"):
        registry.get("gateway.broker_accept_anonymous")


def test_values_are_the_customers_else_the_default(registry: Registry) -> None:
    assert registry.values({})["cloud.stale_device_enabled"] == {"stale_after_days": 90}
    assert registry.values({"stale_after_days": 30})["cloud.stale_device_enabled"] == {"stale_after_days": 30}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"stale_after_day": 1}, "did you mean stale_after_days"),
        ({"stale_after_days": 0}, "below its minimum"),
        ({"stale_after_days": "9"}, "is not of type int"),
    ],
)
def test_a_wrong_parameter_is_refused(registry: Registry, given: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as caught:
        registry.values(given)
    assert words in str(caught.value)


def test_layout_and_comments_do_not_change_the_digest(tmp_path: Path) -> None:
    plain = load_registry(own(tmp_path / "a", TEXT)).digest
    assert load_registry(own(tmp_path / "b", "# a comment\n" + TEXT)).digest == plain
    assert load_registry(own(tmp_path / "c", TEXT.replace("not authorised", "no"))).digest != plain
