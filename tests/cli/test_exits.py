"""Exit codes: 4 our own fault, 2 wrong input, 1 a finding, 3 ended early or unjudged, 0; the first that holds."""

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest

from plumbline.assess.changes import compare
from plumbline.assess.run import assess
from plumbline.cli.exits import Exit, exit_of_retest, guarded
from plumbline.evidence.bundle import BundleWriter
from plumbline.model.errors import EnvironmentFault, InputError, InternalError, NotPermittedError, ProtocolError, StoppedError
from plumbline.model.words import Outcome, Severity
from tests.assess.two_audits import EARLIER, LATER, Audit
from tests.cli.conftest import Call

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
ERRORS: dict[str, tuple[Exception, Exit, str]] = {
    "input": (InputError("is wrong", where="rig.toml", remedy="mend it"), Exit.INPUT, "error: rig.toml: is wrong (mend it)"),
    "two inputs": (InputError("one\ntwo"), Exit.INPUT, "error: one\nerror: two"),
    "not permitted": (NotPermittedError("no"), Exit.INPUT, "error: no"),
    "stopped": (StoppedError("by request"), Exit.INCOMPLETE, "stopped: by request"),
    "the machine": (EnvironmentFault("disk full"), Exit.INCOMPLETE, "the machine failed: disk full"),
    "a full disk that nobody translated": (OSError(28, "No space left on device"), Exit.INCOMPLETE, "the machine failed: [Errno 28]"),
    "no memory": (MemoryError(), Exit.INCOMPLETE, "the machine failed: out of memory"),
    "ours": (InternalError("bad"), Exit.INTERNAL, "a defect of Plumbline"),
    "a device's that leaked": (ProtocolError("bad"), Exit.INTERNAL, "a defect of Plumbline"),
    "any other": (KeyError("x"), Exit.INTERNAL, "a defect of Plumbline"),
}


@pytest.mark.parametrize(("error", "code", "said"), ERRORS.values(), ids=ERRORS)
def test_errors(capsys: pytest.CaptureFixture[str], error: Exception, code: Exit, said: str) -> None:
    def fail() -> NoReturn:
        raise error

    assert guarded(fail) is code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert ("Traceback" in err) is (code is Exit.INTERNAL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_command(capsys: pytest.CaptureFixture[str], number: signal.Signals) -> None:
    assert guarded(lambda: os.kill(os.getpid(), number)) is Exit.INCOMPLETE
    assert capsys.readouterr().err == f"stopped: by {number.name}\n"


def test_a_signal_that_a_library_made_its_own_error_of(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except StoppedError:
            raise RuntimeError("query interrupted") from None

    assert guarded(interrupted) is Exit.INCOMPLETE
    assert capsys.readouterr().err == "stopped: by SIGTERM\n"


def test_nothing_wrong(call: Call, passive: Callable[..., Path], tmp_path: Path) -> None:
    ended = call("audit", passive("terminal"), "-o", tmp_path / "out")
    assert ended.code == 0, ended
    assert "Exit code" not in ended.out


FAIL_ON = {"high: it is high": ("high", 1), "none: any": ("none", 1), "critical: none is": ("critical", 0)}


@pytest.mark.parametrize(("severity", "code"), FAIL_ON.values(), ids=FAIL_ON)
def test_a_finding(call: Call, passive: Callable[..., Path], tmp_path: Path, severity: str, code: int) -> None:
    ended = call("audit", passive("harbour"), "-o", tmp_path / "out", "--fail-on", severity)
    assert ended.code == code
    assert (f"Exit code 1: findings at or above {severity}:" in ended.out) is (code == 1)


def test_a_source_that_went_unjudged(call: Call, passive: Callable[..., Path], tmp_path: Path) -> None:
    ended = call("audit", passive("terminal", manifest="{"), "-o", tmp_path / "out")
    assert ended.code == 3
    assert "Not judged at all: edge:/other.json (protocol_error" in ended.out
    assert "Exit code 3: a whole source or network went unjudged." in ended.out


def test_every_kind_of_file_that_could_not_be_read_is_said(call: Call, passive: Callable[..., Path], tmp_path: Path) -> None:
    rig, good = passive("terminal"), 'tester = "A"\nperformed_at = 2026-01-02T00:00:00Z\n[[result]]\nprovision = "no/such"\nrig = true\n'
    for name, text in {"bad.toml": "x = [", "bad.txt": "<html>", "more.toml": "x = [", "good.toml": good}.items():
        (rig.parent / name).write_text(text, encoding="utf-8")
    tables = {"manual": "bad.toml", "declaration": "more.toml", "hostkit": "bad.txt", "sbom": "bad.txt", "update_service": "bad.txt"}
    more = "".join(f'[[{table}]]\npath = "{name}"\n' for table, name in tables.items())
    more = more.replace("[[update_service]]", '[[update_service]]\nkind = "hawkbit"').replace("[[sbom]]", '[[sbom]]\nmodel = "v/m"')
    rig.write_text(rig.read_text(encoding="utf-8") + more + '[[manual]]\npath = "good.toml"\n', encoding="utf-8")
    ended = call("audit", rig, "-o", tmp_path / "out", "--format", "json")
    assert ended.code == 3
    told = [line.removeprefix("Not judged at all: ").split()[0] for line in ended.out.splitlines() if line.startswith("Not judged at all")]
    assert told == ["file/bad.toml", "file/more.toml", "sbom:/bad.txt", "system:/bad.txt", "update_service_device"]


def test_a_finding_goes_before_a_source_that_went_unjudged(call: Call, passive: Callable[..., Path], tmp_path: Path) -> None:
    assert call("audit", passive("harbour", manifest="{"), "-o", tmp_path / "out").code == 1


def bundle(path: Path, outcome: Outcome, *, ends: tuple[bool, ...]) -> Path:
    writer = BundleWriter.create(path, rig_text="", header={"rig": {"id": "small"}}, now=AT)
    for number, complete in enumerate(ends):
        if number:
            writer = BundleWriter.resume(path, now=AT.replace(hour=12 + number))
        with writer.batch() as batch:
            batch.coverage("hub:/h", "hub", outcome=outcome, started_at=AT, ended_at=AT)
        writer.finish(ended_at=AT.replace(hour=13 + number), complete=complete, notes=() if complete else ["stopped"])
    return path


BUNDLES = {
    "a defect of ours, and ended early": (Outcome.INTERNAL_ERROR, (False,), 4, "Plumbline itself failed"),
    "ended early": (Outcome.OK, (False,), 3, "Exit code 3: the collection ended early."),
    "ended early, then resumed to its end": (Outcome.OK, (False, True), 0, "0 wrong"),
    "whole": (Outcome.OK, (True,), 0, "0 wrong"),
}


@pytest.mark.parametrize(("outcome", "ends", "code", "said"), BUNDLES.values(), ids=BUNDLES)
def test_bundles(call: Call, tmp_path: Path, outcome: Outcome, ends: tuple[bool, ...], code: int, said: str) -> None:
    ended = call("assess", bundle(tmp_path / "bundle", outcome, ends=ends), "-o", tmp_path / "out")
    assert ended.code == code, ended
    assert said in ended.out


def test_a_network_that_a_passive_audit_does_not_sweep_is_said(call: Call, passive: Callable[..., Path], tmp_path: Path) -> None:
    rig = passive("terminal")
    rig.write_text(rig.read_text() + '[[network]]\nname = "cold rooms"\nsite = "s"\nranges = ["127.0.9.0/30"]\n')
    ended = call("audit", rig, "-o", tmp_path / "out", "--format", "json", "--fail-on", "critical")
    assert ended.code == Exit.INCOMPLETE
    assert "Not judged at all: network:s/cold rooms (not_attempted: no bundle says that it was swept)" in " ".join(ended.out.split())


def test_an_audit_of_nothing_is_not_in_order(call: Call, tmp_path: Path) -> None:
    writer = BundleWriter.create(tmp_path / "bundle", rig_text="", header={"rig": {"id": "small"}}, now=AT)
    writer.finish(ended_at=AT, complete=True)
    ended = call("assess", tmp_path / "bundle", "-o", tmp_path / "out")
    assert (ended.code, "Exit code 3: nothing was judged." in ended.out) == (3, True)


AGAIN = {
    "fixed": (("pass", None), Severity.HIGH, 0),
    "not reached": (("inconclusive", "timeout"), Severity.HIGH, 3),
    "not judged": (("inconclusive", "refused"), Severity.CRITICAL, 3),
    "nobody looked": (None, Severity.NONE, 3),
}


@pytest.mark.parametrize(("now", "fail_on", "code"), AGAIN.values(), ids=AGAIN)
def test_a_re_test_that_could_not_judge_a_finding_again_is_not_whole(
    tmp_path: Path, now: tuple[str, str | None] | None, fail_on: Severity, code: int
) -> None:
    assessment = assess([bundle(tmp_path / "bundle", Outcome.OK, ends=(True,))], tmp_path / "out")
    before = Audit(EARLIER).asset("host:s/a").verdict("host:s/a", "fail")
    after = Audit(LATER).asset("host:s/a")
    if now is not None:
        after.verdict("host:s/a", *now)
    changes = compare(before.write(tmp_path / "old"), after.write(tmp_path / "new"))
    assert exit_of_retest(assessment, changes, fail_on)[0] == code
