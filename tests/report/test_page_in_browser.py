"""The page in a real browser: nothing fetched, nothing run; any width, paper, the dark, no scripts, keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, sync_playwright

from plumbline.report import registry
from plumbline.report.html import render
from tests.report import rigs

CHROMIUM = Path("/usr/bin/chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs the operating system's chromium at /usr/bin/chromium"),
]


@dataclass
class Watched:
    """A page and everything that it did besides standing there."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def dismiss(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def page_file(out: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return registry.write("html", out, tmp_path_factory.mktemp("page"))[0]


@pytest.fixture(scope="module")
def hostile_file(hostile_out: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return registry.write("html", hostile_out, tmp_path_factory.mktemp("hostile-page"))[0]


def opened(context: BrowserContext, path: Path) -> Watched:
    watched = Watched(context.new_page())
    watched.page.on("request", lambda request: watched.requests.append(request.url))
    watched.page.on("console", lambda message: watched.complaints.append(message.text))
    watched.page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    watched.page.on("dialog", watched.dismiss)
    watched.page.goto(path.as_uri())
    return watched


@pytest.mark.parametrize("which", ["page_file", "hostile_file"])
def test_it_asks_for_nothing_and_complains_of_nothing(browser: Browser, which: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(which)
    with browser.new_context() as context:
        watched = opened(context, path)
        watched.page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        assert watched.requests == [path.as_uri()]
        assert (watched.complaints, watched.dialogs) == ([], [])
        assert watched.page.locator("h1").inner_text() == "Harbour cold store"


def test_the_policy_stops_a_script_that_is_not_the_pages_own(browser: Browser, page_file: Path, tmp_path: Path) -> None:
    forged = tmp_path / "forged.html"
    forged.write_text(
        page_file.read_text().replace("</footer>", "</footer><script>document.title = 'run'</script><img src=x onerror=alert(1)>")
    )
    with browser.new_context() as context:
        watched = opened(context, forged)
        assert watched.page.title() != "run"
        assert watched.dialogs == []
        assert any("Content Security Policy" in complaint for complaint in watched.complaints)


@pytest.mark.parametrize("which", ["page_file", "hostile_file"])
def test_no_width_makes_the_page_scroll_sideways(browser: Browser, which: str, request: pytest.FixtureRequest) -> None:
    with browser.new_context() as context:
        page = opened(context, request.getfixturevalue(which)).page
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        for width in (320, 400, 768, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_actions_are_on_the_first_screen(browser: Browser, page_file: Path) -> None:
    with browser.new_context(viewport={"width": 1280, "height": 1000}) as context:
        page = opened(context, page_file).page
        box = page.locator("#action-1 summary").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 1000


@pytest.mark.parametrize("width", [390, 1280])
def test_what_stands_in_english_is_said_clear_of_the_tiles(browser: Browser, tmp_path: Path, width: int) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(replace(rigs.rig(10, 6), language="de")), encoding="utf-8")
    with browser.new_context(viewport={"width": width, "height": 1000}) as context:
        page = opened(context, path).page
        said, tiles = page.locator(".facts + p").bounding_box(), page.locator(".tiles").bounding_box()
        assert said is not None and tiles is not None
        assert tiles["y"] - said["y"] - said["height"] >= 10


def test_everything_can_be_read_without_scripts(browser: Browser, page_file: Path) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = opened(context, page_file).page
        group = page.locator("details.group").first
        assert not group.locator(".what").is_visible()
        group.locator("summary").first.click()
        assert group.locator(".what").is_visible()
        assert not page.locator(".tools").is_visible()
        assert not page.locator("#theme").is_visible()


def test_paper_shows_what_is_folded(browser: Browser, page_file: Path) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = opened(context, page_file).page
        page.emulate_media(media="print")
        assert all(row.is_visible() for row in page.locator("details.group .what").all())
        assert all(row.is_visible() for row in page.locator(".cited").all())
        assert not page.locator("nav").is_visible()


def test_paper_is_light_whatever_the_screen(browser: Browser, page_file: Path) -> None:
    with browser.new_context(color_scheme="dark") as context:
        page = opened(context, page_file).page
        ground = "getComputedStyle(document.body).backgroundColor"
        assert page.evaluate(ground) == "rgb(18, 22, 26)"
        page.emulate_media(media="print")
        assert page.evaluate(ground) == "rgb(255, 255, 255)"
        assert page.pdf()[:5] == b"%PDF-"


def test_the_theme_can_be_chosen(browser: Browser, page_file: Path) -> None:
    with browser.new_context(color_scheme="light") as context:
        page = opened(context, page_file).page
        ground = "getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(ground)
        page.locator("#theme").click()
        assert page.evaluate(ground) == "rgb(18, 22, 26)"
        page.locator("#theme").click()
        assert page.evaluate(ground) == light


def test_the_keyboard_reaches_the_skip_link_and_folds_the_actions(browser: Browser, page_file: Path) -> None:
    with browser.new_context() as context:
        page = opened(context, page_file).page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.wait_for_function("document.activeElement.getBoundingClientRect().top >= 0")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.parentElement.id") == "action-1"
        page.keyboard.press("Enter")
        assert not page.locator("#action-1 .what").is_visible()


def test_a_link_to_a_folded_finding_unfolds_it(browser: Browser, page_file: Path) -> None:
    with browser.new_context() as context:
        page = opened(context, page_file).page
        link = page.locator("#action-1 a").first
        target = link.get_attribute("href")
        assert not page.locator(f"{target} .what").is_visible()
        link.click()
        page.locator(f"{target} .what").wait_for(state="visible")


def test_findings_can_be_searched_and_filtered(browser: Browser, page_file: Path) -> None:
    with browser.new_context() as context:
        page = opened(context, page_file).page
        groups = page.locator("details.group")
        everything = groups.count()
        page.locator("#search").fill("label printer")
        assert 0 < page.locator("details.group:visible").count() < everything
        assert page.locator("#shown").inner_text().endswith(f"of {everything} shown")
        page.locator("#search").fill("")
        page.locator("#severity").select_option("critical")
        visible = page.locator("details.group:visible")
        assert 0 < visible.count() < everything
        assert all(group.get_attribute("data-severity") == "critical" for group in visible.all())


def test_a_thousand_assets_open(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "large.html"
    path.write_text(render(rigs.rig(1000, checks=60)), encoding="utf-8")
    with browser.new_context() as context:
        watched = opened(context, path)
        assert watched.complaints == []
        assert watched.page.locator("#map tbody tr").count() == 251
