"""What a re-test looks at: as little as its findings need, told from the earlier audit alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.assess.changes import compare
from plumbline.assess.retest import Retest, retest_of
from plumbline.checks.registry import load_registry
from plumbline.model.errors import InputError
from plumbline.rig.focus import Place
from tests.assess.two_audits import EARLIER, LATER, TELNET, Audit
from tests.rig.rigs import BASE, make

BY_HAND, DECLARED, CONTRADICTED = "rig.manual_test_failed", "rig.provision_declared_unmet", "rig.declaration_contradicted"
HOST = "host:s/10.0.0.5"


def planned(folder: Path, *checks: str) -> Retest:
    rig = make(folder, BASE)
    audit = Audit(rig=rig.id).asset(HOST, ip="s/10.0.0.5")
    for check in checks:
        audit.verdict(HOST, "fail", check=check)
    return retest_of(audit.write(folder / "old"), rig, load_registry(), LATER)


@pytest.mark.parametrize(
    ("checks", "everywhere"),
    [
        ([TELNET], False),
        ([BY_HAND], False),  # sheets are read again, and ask nobody
        ([TELNET, BY_HAND, DECLARED], False),
        ([CONTRADICTED], True),  # by whatever any check says
        (["rig.shared_host_key", TELNET], True),
    ],
)
def test_the_whole_rig_is_asked_only_where_a_check_needs_all_of_it(tmp_path: Path, checks: list[str], everywhere: bool) -> None:
    plan = planned(tmp_path, *checks)
    assert plan.everywhere is everywhere
    assert (plan.findings, plan.places) == (len(checks), {Place("s", "10.0.0.5")})


def test_a_retest_that_left_findings_open_is_no_ground_for_the_next(tmp_path: Path) -> None:
    rig = make(tmp_path, BASE)
    first = Audit(EARLIER, rig=rig.id).asset(HOST, ip="s/10.0.0.5").asset("host:s/10.0.0.6", ip="s/10.0.0.6")
    first.verdict(HOST, "fail").verdict("host:s/10.0.0.6", "fail")
    second = Audit(LATER, rig=rig.id).asset("network:s/n", "network").asset(HOST, ip="s/10.0.0.5").verdict(HOST, "fail")
    old, again = first.write(tmp_path / "old"), second.write(tmp_path / "again")
    compare(old, again).write(again)
    with pytest.raises(InputError, match=r"again: findings of the audit of 2026-10-01 .*left out: 1 .name that audit"):
        retest_of(again, rig, load_registry(), LATER)
    assert retest_of(old, rig, load_registry(), LATER).findings == 2
    again.joinpath("changes.json").unlink()
    assert retest_of(again, rig, load_registry(), LATER).findings == 1


def test_an_audit_that_no_retest_can_be_compared_with_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    rig = make(tmp_path, BASE)
    later = Audit(LATER, rig=rig.id).asset(HOST, ip="s/10.0.0.5").verdict(HOST, "fail").write(tmp_path / "later")
    with pytest.raises(InputError, match=r"later: was judged as of 2026-11-01 00:00 UTC, which is still to come"):
        retest_of(later, rig, load_registry(), EARLIER)
    text = (later / "assessment.json").read_text()
    (later / "assessment.json").write_text(text.replace('"sessions"', '"runs"'))
    with pytest.raises(InputError, match="not of the form that this release reads"):
        retest_of(later, rig, load_registry(), LATER)


def test_a_retest_that_judged_all_is_a_ground_for_the_next(tmp_path: Path) -> None:
    rig = make(tmp_path, BASE)
    old, again = (
        Audit(moment, rig=rig.id).asset(HOST, ip="s/10.0.0.5").verdict(HOST, "fail").write(tmp_path / f"{moment:%m}")
        for moment in (EARLIER, LATER)
    )
    compare(old, again).write(again)
    assert retest_of(again, rig, load_registry(), LATER).findings == 1
