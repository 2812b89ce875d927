"""The login budget of law 6, over processes and days, and that a lost state is never taken for an empty one."""

from __future__ import annotations

import json
import multiprocessing
import stat
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from plumbline.model.errors import EnvironmentFault, NotPermittedError
from plumbline.net.budget import LoginBudget, LoginResult, LoginTicket
from tests.net.rigs import NOON

PRIVATE = ip_address("10.0.0.1")
OTHER = ip_address("10.0.0.2")
HOUR = timedelta(hours=1)


@pytest.fixture
def budget(tmp_path: Path) -> LoginBudget:
    return LoginBudget(tmp_path / "bench", "bench")


def ask(budget: LoginBudget, account: str = "admin", *, device: str = "cam", protocol: str = "http", hours: int = 0) -> LoginTicket:
    return budget.ask(device, account, protocol, NOON + hours * HOUR, address=PRIVATE if device == "cam" else OTHER)


def refused(budget: LoginBudget, match: str, account: str = "admin", *, device: str = "cam", hours: int = 0) -> None:
    with pytest.raises(NotPermittedError, match=match) as refusal:
        ask(budget, account, device=device, hours=hours)
    assert refusal.value.reason == "budget"


def test_two_failures_per_account(budget: LoginBudget) -> None:
    for protocol in ("http", "telnet"):  # over all protocols
        budget.report(ask(budget, protocol=protocol), LoginResult.FAILED, NOON)
    refused(budget, "has failed 2 times")
    ask(budget, "root")
    ask(budget, device="other")


def test_five_failures_per_device(budget: LoginBudget) -> None:
    for number in range(5):
        budget.report(ask(budget, f"user{number}"), LoginResult.FAILED, NOON)
    refused(budget, "have failed 5 times", "user9")
    ask(budget, "user9", device="other")


def test_a_success_costs_nothing(budget: LoginBudget) -> None:
    for _ in range(10):
        budget.report(ask(budget), LoginResult.OK, NOON)


def test_a_try_that_was_never_reported_counts(budget: LoginBudget, tmp_path: Path) -> None:
    ask(budget)
    ask(budget)
    refused(LoginBudget(tmp_path / "bench", "bench"), "has failed 2 times")  # over all runs


@pytest.mark.parametrize(
    ("hours", "free"), [(23, False), (24, True), (-48, False)], ids=["a day not over", "a day later", "a clock set back"]
)
def test_the_day(budget: LoginBudget, hours: int, free: bool) -> None:
    ask(budget)
    ask(budget)
    if free:
        ask(budget, hours=hours)
    else:
        refused(budget, "has failed 2 times", hours=hours)


def test_a_lock_out_stops_the_device(budget: LoginBudget) -> None:
    budget.report(ask(budget), LoginResult.LOCKED_OUT, NOON)
    refused(budget, "signs of a lock-out", "root")
    refused(budget, "signs of a lock-out", "root", hours=23)
    ask(budget, device="other")
    ask(budget, hours=25)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "2002:808:808::1"])
def test_never_on_public_addresses(budget: LoginBudget, address: str) -> None:
    with pytest.raises(NotPermittedError, match="never tried there"):
        budget.ask("cam", "admin", "http", NOON, address=ip_address(address))


def given(budget: LoginBudget, login: str = "given k1:1", *, device: str = "gateway", hours: int = 0) -> LoginTicket:
    return budget.ask_given(device, login, "ssh", NOON + hours * HOUR, address=PRIVATE if device in ("gateway", "cam") else OTHER)


def not_given(budget: LoginBudget, match: str, login: str = "given k1:1", *, device: str = "gateway", hours: int = 0) -> None:
    with pytest.raises(NotPermittedError, match=match) as refusal:
        given(budget, login, device=device, hours=hours)
    assert refusal.value.reason == "budget"


def test_a_given_login_that_is_refused_once_is_used_nowhere(budget: LoginBudget, tmp_path: Path) -> None:
    budget.report(given(budget), LoginResult.OK, NOON)
    budget.report(given(budget, device="other"), LoginResult.FAILED, NOON)
    for device in ("gateway", "other", "third"):
        not_given(LoginBudget(tmp_path / "bench", "bench"), "refused by other within 24 hours", device=device, hours=23)
    given(budget, "given k1:2", device="third")  # the corrected secret
    given(budget, device="third", hours=24)


def test_a_given_login_whose_end_is_not_known_counts_as_refused(budget: LoginBudget) -> None:
    given(budget)
    not_given(budget, "refused by gateway")


def test_given_logins_and_default_logins_share_what_a_device_bears(budget: LoginBudget) -> None:
    for number in range(5):
        budget.report(given(budget, f"given k1:{number}", device="cam"), LoginResult.FAILED, NOON)
    refused(budget, "have failed 5 times")
    not_given(budget, "have failed 5 times", "given k1:9", device="cam")
    budget.report(ask(budget, device="door"), LoginResult.LOCKED_OUT, NOON)
    not_given(budget, "signs of a lock-out", "given k1:8", device="door")


BROKEN = [
    ("gone", None),
    ("empty", ""),
    ("cut short", '{"format": 1, "rig": "bench", "tries": ['),
    ("another rig's", '{"format": 1, "rig": "other", "tries": []}'),
    ("a later release's", '{"format": 2, "rig": "bench", "tries": []}'),
    ("not an object", "[]"),
    ("no tries", '{"format": 1, "rig": "bench"}'),
    ("a nest", "[" * 100_000),
    ("a try without a time", '{"format": 1, "rig": "bench", "tries": [{"number": 1}]}'),
    (
        "a naive time",
        '{"format":1,"rig":"bench","tries":[{"number":1,"device":"a","account":"b","protocol":"c","addresses":[],"at":"2026-11-20T12:00:00","result":"ok"}]}',
    ),
    (
        "an unknown result",
        '{"format":1,"rig":"bench","tries":[{"number":1,"device":"a","account":"b","protocol":"c","addresses":[],"at":"2026-11-20T12:00:00Z","result":"?"}]}',
    ),
]


@pytest.mark.parametrize("text", [case[1] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_lost_state_is_not_an_empty_one(budget: LoginBudget, tmp_path: Path, text: str | None) -> None:
    ticket = ask(budget)
    file = tmp_path / "bench" / "logins.json"
    file.unlink() if text is None else file.write_text(text)
    refused(budget, "not known which logins were tried; restore it, or")
    not_given(budget, "not known which logins were tried")
    with pytest.raises(NotPermittedError, match="cannot be read"):
        budget.report(ticket, LoginResult.OK, NOON)
    assert (file.read_text() if file.exists() else None) == text  # left for a person to look at


def test_the_state_is_private_and_holds_no_passwords(budget: LoginBudget, tmp_path: Path) -> None:
    budget.report(ask(budget), LoginResult.FAILED, NOON)
    file = tmp_path / "bench" / "logins.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "bench").stat().st_mode) == 0o700
    (entry,) = json.loads(file.read_text())["tries"]
    told = {"device": "cam", "addresses": ["10.0.0.1"], "account": "admin", "protocol": "http"}
    assert entry == {"number": 1, **told, "at": NOON.isoformat(), "result": "failed"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bench"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFault, match="login budget cannot be kept"):
        ask(LoginBudget(tmp_path / "file" / "bench", "bench"))


def _try_all(folder: Path, granted: multiprocessing.SimpleQueue[int]) -> None:
    budget, count = LoginBudget(folder, "bench"), 0
    for number in range(8):
        try:
            ask(budget, f"user{number}")
            count += 1
        except NotPermittedError:
            pass
    granted.put(count)


def test_processes_share_one_budget(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    granted: multiprocessing.SimpleQueue[int] = context.SimpleQueue()
    runs = [context.Process(target=_try_all, args=(tmp_path / "bench", granted)) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sum(granted.get() for _ in runs) == 5
