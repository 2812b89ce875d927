"""Tests by hand as they were collected: fails first, an exact count, and what was not given stays so."""

from __future__ import annotations

from pathlib import Path

from plumbline.correlate.sources import use_bundles
from plumbline.evidence.bundle import Bundle, BundleWriter
from plumbline.evidence.engine import connect
from plumbline.report.by_hand import ATTACHMENTS_LISTED, LISTED, hand_tests
from plumbline.report.standards_data import HandTest
from tests.report.harbour import ALLOWED, RIG, START


def bundle(path: Path, count: int) -> Bundle:
    writer = BundleWriter.create(path, rig_text="[rig]\n", header={"rig": RIG, "authorisation": ALLOWED, "parameters": {}}, now=START)
    with writer.batch() as batch:
        for n in range(count):
            given = {"tester": "A. Walker", "method": "walk_down", "performed_at": START} if n else {}
            subject = f"etsi-en-303-645/5.1-{n + 1}"
            files = [f"file/{n:064x}@{place}" for place in range(6)]
            verdict = "pass" if n else "fail"
            batch.row(
                "manual_result", "declared:harbour/cam-1", subject, observed_at=START, raw=None, permit=None,
                provision=subject, verdict=verdict, attachments=files if n else [], attachment_names=[], **given,
            )  # fmt: skip
    writer.finish(ended_at=START, complete=True, notes=[])
    return Bundle(path)


def read(evidence: Bundle, names: dict[str, str]) -> tuple[tuple[HandTest, ...], int]:
    with connect() as connection:
        use_bundles(connection, [evidence])
        return hand_tests(connection, names)


def test_fails_come_first_and_what_was_not_given_stays_so(tmp_path: Path) -> None:
    found, count = read(bundle(tmp_path / "bundle", 3), {"declared:harbour/cam-1": "dock camera"})
    first, second, _ = found
    assert (count, first.asset_name, first.verdict, first.about) == (3, "dock camera", "fail", "etsi-en-303-645/5.1-1")
    assert (first.tester, first.method, first.performed_at, first.attachments, first.attachments_count) == (None, None, None, (), 0)
    assert (second.tester, second.method, second.performed_at) == ("A. Walker", "walk_down", START)
    assert (len(second.attachments), second.attachments_count) == (ATTACHMENTS_LISTED, 6)


def test_the_list_is_cut_with_its_count(tmp_path: Path) -> None:
    found, count = read(bundle(tmp_path / "bundle", LISTED + 5), {})
    assert (len(found), count, found[0].asset_name) == (LISTED, LISTED + 5, "declared:harbour/cam-1")


def test_a_bundle_without_them_has_none(tmp_path: Path) -> None:
    assert read(bundle(tmp_path / "bundle", 0), {}) == ((), 0)
