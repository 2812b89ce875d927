"""Formats are found by their place, and say what is wrong with what they are asked."""

from __future__ import annotations

from pathlib import Path

import pytest

import plumbline.report as package
from plumbline.model.errors import EnvironmentFault, InputError
from plumbline.report import registry
from plumbline.report.data import Report


def test_each_format_is_a_module_and_writes_the_files_that_it_names(out: Path, report: Report, tmp_path: Path) -> None:
    assert set(registry.formats()) >= {"csv", "html", "json"}
    for name, unit in registry.formats().items():
        assert (Path(package.__path__[0]) / f"{name}.py").exists()
        assert unit.about
        written = registry.write(name, out, tmp_path, report=report)
        assert tuple(path.name for path in written) == unit.files
        assert all(path.parent == tmp_path and path.stat().st_size and path.stat().st_mode & 0o777 == 0o600 for path in written)


def test_an_unknown_format_names_those_that_there_are(out: Path) -> None:
    with pytest.raises(InputError, match=r"no report format 'docx'.*csv, cyclonedx, .*html, json, junit"):
        registry.write("docx", out)


def test_a_folder_that_cannot_be_written_is_the_machines_fault(out: Path, report: Report, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="cannot write into"):
        registry.write("json", out, tmp_path / "file", report=report)
