"""report.html: one file that a plant manager, an executive and an engineer can each read; no network, on paper, without scripts.

Not what is said nor how templates are filled (`page`): the one page that they make. Rule: its policy allows the one style and the one
script that stand in it, by their digests, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from markupsafe import Markup

from plumbline.report.data import Report
from plumbline.report.format import Format
from plumbline.report.page import SCREEN, rendered, template_text


def render(report: Report) -> str:
    """Write the whole page, in the report's language."""
    # Neither file comes from evidence: they are ours, and the only markup that is not escaped.
    style, script = template_text("style.css"), template_text("script.js")
    return rendered("report.html", report, SCREEN, style=Markup(style), script=Markup(script), policy=_policy(style, script))


def write(report: Report, out: Path, to: Path) -> list[Path]:  # noqa: ARG001 - the page needs no more than the view
    """Write report.html into `to`."""
    path = to / "report.html"
    path.write_text(render(report), encoding="utf-8", newline="\n")
    path.chmod(0o600)
    return [path]


FORMAT = Format("one self-contained page for people: actions, answers, picture, findings with evidence", ("report.html",), write)


def _policy(style: str, script: str) -> str:
    def digest(content: str) -> str:
        return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()

    return (
        f"default-src 'none'; style-src 'sha256-{digest(style)}'; script-src 'sha256-{digest(script)}'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )
