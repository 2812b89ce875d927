"""What reports say: every text of ours in templates and Python code, found by walking both; and words that a template prints bare."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from jinja2 import nodes
from jinja2.ext import extract_from_ast

import plumbline.report as package
from plumbline.report import words
from plumbline.report.language import Said
from plumbline.report.page import TEMPLATES, parser

Text = tuple[str, ...]
"""The English of one thing, or of one and of several."""

CALLS = {"told": 1, "counted": 2, "gettext": 1, "ngettext": 2}
PRINTED = ("aria-label", "placeholder", "title", "alt", "data-said")
NAMES = {"Plumbline", "CVSS", "SHA-256"}  # said alike in every language
LETTERS = re.compile(r"[A-Za-z]{2,}")


def said_by_templates() -> set[Text]:
    """Give every text that a template says."""
    found: set[Text] = set()
    for path in sorted(TEMPLATES.glob("*.html")):
        for _, _, message in extract_from_ast(parser().parse(path.read_text(encoding="utf-8"))):
            found.add((message,) if isinstance(message, str) else tuple(part for part in message if part is not None))
    return found


def said_by_code() -> set[Text]:
    """Give every text that Python code of reports says, where it stands as it is."""
    found: set[Text] = set()
    for path in sorted(Path(package.__path__[0]).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
                texts = [arg.value for arg in node.args[: CALLS.get(name, 0)] if isinstance(arg, ast.Constant)]
                if texts and len(texts) == CALLS.get(name):
                    found.add(tuple(texts))
    return found


def said_by_words() -> set[Text]:
    """Give every text of the tables of words."""
    return {(text.one,) for name, value in vars(words).items() if name.isupper() for text in _texts(value)}


def _texts(value: Any) -> Iterator[Said]:
    if isinstance(value, Said):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for pair in value.items() for part in pair for text in _texts(part))
    elif isinstance(value, tuple):
        yield from (text for part in value for text in _texts(part))
    elif is_dataclass(value) and not isinstance(value, type):
        yield from (text for field in fields(value) for text in _texts(getattr(value, field.name)))


def bare(path: Path) -> list[str]:
    """List the words that a template prints without asking for another language: between tags, in attributes, and as constants."""
    tree = parser().parse(path.read_text(encoding="utf-8"))
    page = _Bare()
    for output in tree.find_all(nodes.Output):
        for node in output.nodes:
            page.feed(node.data if isinstance(node, nodes.TemplateData) else "0")
            page.found += [text for text in _constants(node) if LETTERS.search(text)]
    return page.found


def _constants(node: nodes.Node) -> Iterable[str]:
    """Give constant texts that come out of an expression."""
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, nodes.CondExpr):
        yield from _constants(node.expr1)
        yield from _constants(node.expr2) if node.expr2 is not None else ()
    elif isinstance(node, nodes.Or | nodes.And | nodes.Add):
        yield from _constants(node.left)
        yield from _constants(node.right)
    elif isinstance(node, nodes.Concat):
        yield from (text for part in node.nodes for text in _constants(part))
    elif isinstance(node, nodes.Filter) and node.node is not None and node.name not in ("safe",):
        yield from _constants(node.node)


class _Bare(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._code = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._code += tag in ("code", "style", "script")
        self.found += [value for name, value in attributes if name in PRINTED and value and LETTERS.search(value)]

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in ("code", "style", "script")

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.found += [word for word in LETTERS.findall(data.replace("SHA-256", "")) if word not in NAMES]
