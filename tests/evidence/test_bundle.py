"""The bundle: what is committed, what is not, and what a killed run leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from plumbline.evidence.bundle import RESERVE, RESERVE_BYTES, Batch, Bundle, BundleWriter
from plumbline.evidence.parts import atomic
from plumbline.evidence.specs import load_tables, parse_spec
from plumbline.model.errors import EnvironmentFault, InputError, InternalError
from plumbline.model.words import Outcome

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
HOST = "host:harbour/127.0.0.9"


def new(path: Path) -> BundleWriter:
    return BundleWriter.create(path, rig_text="[rig]\n", header={"rig": {"id": "t"}}, now=NOW)


def add(writer: BundleWriter, outcome: Outcome = Outcome.OK, at: datetime = NOW) -> None:
    with writer.batch() as batch:
        batch.row("telnet_service", HOST, "tcp/23", observed_at=at, port=23, login_prompt=True)
        batch.coverage(HOST, "telnet_service", "tcp/23", outcome=outcome, rows=1, started_at=at, ended_at=at)


def test_rows_come_back_as_written_and_absent_columns_are_null(tmp_path: Path) -> None:
    writer = new(tmp_path / "b")
    add(writer)
    writer.finish(ended_at=NOW, complete=True)
    bundle = Bundle(tmp_path / "b")
    [part] = bundle.parts("telnet_service")
    [row] = pq.read_table(part).to_pylist()
    assert (row["port"], row["login_prompt"], row["shell_prompt"], row["observed_at"]) == (23, True, None, NOW)
    assert set(bundle.manifest["files"]) == {"rig.toml", f"tables/telnet_service/{part.name}", f"coverage/{part.name}"}
    assert bundle.manifest["sessions"][0]["complete"] is True


def test_files_are_readable_by_the_owner_alone(tmp_path: Path) -> None:
    writer = new(tmp_path / "b")
    add(writer)
    writer.raw(b"answer")
    writer.finish(ended_at=NOW, complete=True)
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "b").rglob("*") if path.is_file()} == {0o600}


def test_a_table_part_without_its_coverage_is_not_evidence(tmp_path: Path) -> None:
    writer = new(tmp_path / "b")
    add(writer)
    writer.flush()
    [coverage] = Bundle(tmp_path / "b").coverage_parts()
    coverage.unlink()  # what a kill between the two leaves
    assert Bundle(tmp_path / "b").parts("telnet_service") == []


def test_a_unit_of_work_that_raises_leaves_nothing(tmp_path: Path) -> None:
    writer = new(tmp_path / "b")
    with pytest.raises(RuntimeError), writer.batch() as batch:
        batch.row("telnet_service", HOST, "tcp/23", observed_at=NOW, port=23)
        raise RuntimeError("the collector broke")
    writer.flush()
    assert Bundle(tmp_path / "b").parts("telnet_service") == []


def test_resume_knows_the_best_outcome_of_each_attempt_and_adds_parts(tmp_path: Path) -> None:
    first = new(tmp_path / "b")
    add(first, Outcome.TIMEOUT)
    first.flush()  # then killed: no finish
    second = BundleWriter.resume(tmp_path / "b", now=NOW + timedelta(hours=1))
    assert second.outcomes == {(HOST, "telnet_service", "tcp/23"): Outcome.TIMEOUT}
    add(second, Outcome.OK, NOW + timedelta(hours=1))
    second.finish(ended_at=NOW + timedelta(hours=1), complete=True)
    bundle = Bundle(tmp_path / "b")
    assert len(bundle.parts("telnet_service")) == 2
    assert [session["complete"] for session in bundle.manifest["sessions"]] == [False, True]


def test_raw_answers_are_stored_once_by_content(tmp_path: Path) -> None:
    writer = new(tmp_path / "b")
    assert writer.raw(b"x") == writer.raw(b"x")
    assert len(list((tmp_path / "b" / "raw").iterdir())) == 1


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"port": "23"}, "telnet_service.port is int, got str"),
        ({"port": True}, "telnet_service.port is int, got bool"),
        ({"prot": 23}, "no column"),
        ({"port": 2**64}, "does not fit"),
    ],
)
def test_a_row_that_does_not_fit_its_spec_is_our_defect(tmp_path: Path, columns: dict[str, object], words: str) -> None:
    writer = new(tmp_path / "b")
    with pytest.raises(InternalError, match=words), writer.batch() as batch:
        batch.row("telnet_service", HOST, "tcp/23", observed_at=NOW, **columns)


def test_lone_surrogates_do_not_cost_the_batch(tmp_path: Path) -> None:
    writer = new(tmp_path / "b")
    with writer.batch() as batch:
        batch.row("telnet_service", HOST, "tcp/23", observed_at=NOW, port=23, banner="caf\udce9")
        batch.coverage(HOST, "telnet_service", "tcp/23", outcome=Outcome.OK, rows=1, started_at=NOW, ended_at=NOW)
    writer.flush()
    assert pq.read_table(Bundle(tmp_path / "b").parts("telnet_service")[0]).to_pylist()[0]["banner"] == "caf?"


def test_a_folder_with_something_in_it_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear all")
    with pytest.raises(InputError, match="not empty"):
        new(tmp_path)


SESSION = '{"id": "s", "started_at": "2026-11-20T12:00:00Z", "ended_at": null, "complete": false, "notes": []}'
DAMAGED = [
    '{"format": 1}',
    '{"format": 1, "sessions": []}',
    '{"format": 1, "sessions": {}}',
    '{"format": 1, "sessions": ["s"]}',
    f'{{"format": 1, "sessions": [{SESSION.replace("null", "5")}]}}',
    f'{{"format": 1, "sessions": [{SESSION}], "rig": "x"}}',
    f'{{"format": 1, "sessions": [{SESSION}], "supplied": [1]}}',
]


@pytest.mark.parametrize("content", [None, "{", "[" * 200_000, '{"format": 99}', "[]", *DAMAGED])
def test_what_is_no_bundle_is_named_so(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(InputError, match=str(tmp_path)):
        Bundle(tmp_path)


def test_a_name_that_cannot_be_taken_is_a_fault_of_the_machine(tmp_path: Path) -> None:
    """Renaming fails as writing does: a full quota, a folder in the way; no collector is blamed for it, and nothing is left behind."""
    (tmp_path / "part").mkdir()
    with pytest.raises(EnvironmentFault, match="cannot write"), atomic(tmp_path / "part") as temporary:
        temporary.write_text("x")
    assert [path.name for path in tmp_path.iterdir()] == ["part"]


def test_every_table_spec_loads_and_says_what_null_means() -> None:
    for name, spec in load_tables().items():
        assert spec.title and spec.about and spec.subject, name
        assert all(column.about and column.null for column in spec.columns.values()), name


@pytest.mark.parametrize(
    "text",
    [
        'title = "x"',
        'title="x"\nlayer="device"\nkind="host"\nsubject=""\nabout="a"\nsince="0.1"\n[column.a]\ntype="decimal"\nabout="a"\nnull="n"',
    ],
)
def test_a_bad_table_spec_is_refused_by_name(text: str) -> None:
    with pytest.raises(InternalError, match=r"bad\.toml"):
        parse_spec("bad", text)


class TestSpilling:
    """A unit of work too large for memory waits on the disk, and counts with its last row or not at all."""

    def unit(self, writer: BundleWriter) -> Batch:
        batch = writer.batch()
        for port in range(5):
            batch.row("telnet_service", HOST, f"tcp/{port}", observed_at=NOW, port=port)
            if port % 2:
                batch.spill()
        batch.coverage(HOST, "telnet_service", outcome=Outcome.OK, rows=5, started_at=NOW, ended_at=NOW)
        return batch

    def ports(self, bundle: Path) -> list[int]:
        return sorted(row["port"] for part in Bundle(bundle).parts("telnet_service") for row in pq.read_table(part).to_pylist())

    def test_committed(self, tmp_path: Path) -> None:
        writer = new(tmp_path / "b")
        writer.commit(self.unit(writer))
        writer.finish(ended_at=NOW, complete=True)
        assert self.ports(tmp_path / "b") == [0, 1, 2, 3, 4]
        names = [path.name for path in Bundle(tmp_path / "b").parts("telnet_service")]
        assert len(names) == 3 and {f"tables/telnet_service/{name}" for name in names} <= Bundle(tmp_path / "b").manifest["files"].keys()

    def test_discarded(self, tmp_path: Path) -> None:
        writer = new(tmp_path / "b")
        self.unit(writer).discard()
        assert list((tmp_path / "b").glob("tables/*/*")) == []

    def test_a_killed_run_leaves_nothing_that_counts_and_a_resumed_one_clears_it_away(self, tmp_path: Path) -> None:
        self.unit(new(tmp_path / "b"))
        assert self.ports(tmp_path / "b") == [] and list((tmp_path / "b").glob("tables/*/*")) != []
        BundleWriter.resume(tmp_path / "b", now=NOW)
        assert list((tmp_path / "b").glob("tables/*/*")) == []


def test_a_full_disk_is_told_of_in_the_manifest(tmp_path: Path) -> None:
    writer = new(tmp_path / "b")
    assert (tmp_path / "b" / RESERVE).stat().st_blocks * 512 >= RESERVE_BYTES  # real room, not a promise
    add(writer)
    writer.abandon(ended_at=NOW, note="no space left")
    [session] = Bundle(tmp_path / "b").manifest["sessions"]
    assert (session["complete"], session["notes"]) == (False, ["no space left"])
    assert Bundle(tmp_path / "b").coverage_parts() == []  # what was waiting is lost
    assert not (tmp_path / "b" / RESERVE).exists()


def finished(path: Path) -> Bundle:
    writer = new(path)
    (path / "contacts.jsonl").write_text("{}\n")
    add(writer)
    writer.finish(ended_at=NOW, complete=True)
    return Bundle(path)


@pytest.mark.parametrize("way", ["missing", "cut short", "a folder"])
@pytest.mark.parametrize("place", ["coverage/*.parquet", "tables/telnet_service/*.parquet", "contacts.jsonl"])
def test_a_bundle_that_was_copied_in_part_is_not_whole(tmp_path: Path, place: str, way: str) -> None:
    """What was found would otherwise read as absent."""
    bundle = finished(tmp_path / "b")
    bundle.check_whole()
    [part] = bundle.path.glob(place)
    if way == "cut short":
        part.write_bytes(part.read_bytes()[:-1])
    else:
        part.unlink()
    if way == "a folder":
        part.mkdir()
    with pytest.raises(InputError, match=rf"{part}: .*not whole.*copy the bundle anew"):
        bundle.check_whole()


def test_a_bundle_is_whole_while_its_collection_goes_on(tmp_path: Path) -> None:
    bundle = finished(tmp_path / "b")
    with (bundle.path / "contacts.jsonl").open("a") as log:
        log.write("{}\n")
    bundle.check_whole()
