"""The whole lab, audited: the ledger is the truth, row by row, nobody is accused wrongly, and no device was hurt."""

import random
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from plumbline.lab.fleet import OLD_RELEASES
from plumbline.lab.switches import SWITCHES, Switches
from plumbline.lab.truth import compare, truth
from plumbline.model.words import Verdict
from plumbline.updates.judging import State
from tests.lab.auditing import audit
from tests.lab.conftest import free_base

LOGINS_PER_DEVICE = 5  # law 6: failures in 24 hours, over all protocols
HARDENED = ("-hardened", "terminal", "cam-4")  # how the hardened side's assets are called


@pytest.mark.parametrize("switches", [Switches(), Switches.safe()], ids=["as it is shown", "every switch at safe"])
def test_an_audit_of_the_whole_lab(switches: Switches, tmp_path: Path) -> None:
    audited = audit(switches, tmp_path, free_base())
    assert [str(one) for one in compare(truth(audited.fleet), audited.ledger)] == []

    accused = [key for key, said in audited.ledger.items() if said.verdict is Verdict.FAIL and any(word in key[1] for word in HARDENED)]
    assert accused == []

    answering = [device for device in audited.fleet.devices if not device.silent and not device.untouchable]
    assert (audited.hosts, audited.ended_early) == (len(answering), None)

    logins: Counter[str] = Counter()
    for (device, _protocol), times in audited.watch.logins.items():
        logins[device] += times
    assert audited.watch.harms == []
    assert max(logins.values()) <= LOGINS_PER_DEVICE

    table = pq.read_table(tmp_path / "out" / "derived" / "tables" / "currency" / "derived.parquet", columns=["entity", "state"])
    states = {row["entity"]: row["state"] for row in table.to_pylist()}
    bad = {entity for entity, state in states.items() if State(state).bad}
    assert set(states.values()) == (set(State) if switches == Switches() else {State.CURRENT, State.UNKNOWN})
    assert bad == ({f"declared:/{kind}" for kind in OLD_RELEASES} if switches == Switches() else set())


@pytest.mark.full
@pytest.mark.parametrize("seed", range(4))
def test_an_audit_with_the_switches_anyhow(seed: int, tmp_path: Path) -> None:
    """Half of the switches at weak: what one hides or shows of another is in the truth too."""
    dice = random.Random(seed)
    switches = Switches(frozenset(name for name in SWITCHES if dice.random() < 0.5))
    audited = audit(switches, tmp_path, free_base())
    assert [str(one) for one in compare(truth(audited.fleet), audited.ledger)] == []
    assert audited.watch.harms == []
