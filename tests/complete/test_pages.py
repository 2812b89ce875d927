"""Pages that list what the code knows: each name stands there, and no other."""

import re
from pathlib import Path

from plumbline.report.became import BECAME
from plumbline.report.registry import formats

DOCS = Path(__file__).parents[2] / "docs"


def rows(page: str) -> list[list[str]]:
    """Give the cells of all rows of the page's tables, heads among them."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


def test_the_page_of_formats_names_each_with_its_files() -> None:
    told = {cells[0].strip("`"): cells[1] for cells in rows("exchange.md") if re.fullmatch("`[a-z_]+`", cells[0])}
    assert set(told) == set(formats())
    for name, unit in formats().items():
        assert all(file in told[name] for file in unit.files), name


def test_the_page_of_retests_has_the_words_that_are_printed() -> None:
    told = [cells[0] for cells in rows("retest.md") if len(cells) == 3 and cells[0] not in ("word", "---")]
    assert sorted(told) == sorted(BECAME.values())
