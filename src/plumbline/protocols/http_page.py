"""What the page of an HTTP response shows: title, login form, refresh, listing, hints of model and firmware. No script is run.

HTML is read as browsers read it where it matters here (WHATWG HTML 13.2.5): tags, quoted attributes, comments, and the
raw text of script and style. A tag or comment without an end swallows the rest, as there; so one pass suffices.

| fact | where |
|---|---|
| title | the first `title` element; WHATWG 4.2.2 |
| login form | an `input` of type password, and the `form` around it: `action`, `method` (GET when absent); 4.10.3 |
| refresh | `meta http-equiv=refresh content="n; url=..."`; 4.2.5.3 |
| listing | a title or heading "Index of", "Directory listing for": the words of Apache, nginx, lighttpd, Python, BusyBox |
| hints | `meta name=generator`; "Firmware version: x", "Model: y" in the text, as device pages put it |
| administration | words on links, buttons and form targets that offer to change the device |
| built elsewhere | scripts or frames, and no link, button or form beside them: what a user sees is not in this text |

Text is decoded by the Content-Type's charset if it is UTF-8 or Latin-1, otherwise as UTF-8 with replacement.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from html import unescape

from plumbline.protocols.http import MAX_BODY, Response
from plumbline.protocols.http_fields import without_query

MAX_TITLE = 120  # what the http_service table keeps
MAX_HINT = 64
MAX_ATTRIBUTES = 64  # no tag of a login page has more; the rest is skipped
MAX_TEXT = 64 * 1024  # of visible text that is searched for hints
_RAW = ("script", "style", "title", "textarea")  # elements whose content holds no tags: WHATWG 13.2.6.2

_MARK = re.compile(r"<(?:(!--)|(/?)([A-Za-z][^\s/>]{0,63})|[!?/])")
_RAW_END = {name: re.compile(f"</{name}", re.IGNORECASE) for name in _RAW}
_ATTRIBUTE = re.compile(r"""[\s/]*(?:(>)|([^\s/>][^\s/>=]*)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s>"'][^\s>]*)?)?)""")
_LONG_REFERENCE = re.compile(r"&#[xX]?[0-9a-fA-F]{10,};?")
_REFRESH = re.compile(r"\s*[\d.]*\s*[;,]?\s*(?:url\s*=\s*)?['\"]?([^'\"\s]+)", re.IGNORECASE)
_LISTING = re.compile(r"\s*(?:Index of /|Directory listing (?:for|of) |Directory: /)", re.IGNORECASE)
_FIRMWARE = re.compile(
    r"\b(?:firmware|f/w|fw|software|system)[ _-]?(?:version|ver\b\.?|rev\b\.?)?[\s:=\"']{1,8}[vV]?(\d+(?:\.\w+)+(?:[-_ ]?build[-_ ]?\w+)?)",
    re.IGNORECASE,
)
_MODEL = re.compile(
    r"\bmodel(?:[ _-]?(?:name|number|no\.?|id))?\s{0,4}[:=]\s{0,4}[\"']?([a-z0-9][\w.\-/+]{1,40})",
    re.IGNORECASE,
)
_ADMINISTRATION = {
    "firmware": re.compile(r"firmware|upgrade|upload.{0,10}image", re.IGNORECASE),
    "reboot": re.compile(r"reboot|restart", re.IGNORECASE),
    "reset": re.compile(r"factory|restore", re.IGNORECASE),
    "users": re.compile(r"\busers?\b|accounts?\b|change password", re.IGNORECASE),
    "configuration": re.compile(r"config|setup|settings?\b", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True)
class LoginForm:
    """A page that asks for a password; `action` as written, without query; None when no form is around the field."""

    action: str | None
    method: str | None


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What a page shows; None where it does not say. `administration` names kinds of change that it offers, in a fixed order."""

    title: str | None
    login_form: LoginForm | None
    refresh: str | None
    directory_listing: bool
    generator: str | None
    firmware_version: str | None
    model: str | None
    administration: tuple[str, ...]
    built_elsewhere: bool = False


def page_facts(response: Response) -> PageFacts | None:
    """Read the page of one response; None when it holds no HTML. What a truncated response lacks stays unseen."""
    kind = (response.first("content-type") or "").lower()
    text = _text(response, kind)
    if "html" not in kind and not re.match(r"\s*<(?:!doctype|html|head|title|body|meta)\b", text[:1024], re.IGNORECASE):
        return None
    page = _Page()
    page.read(text)
    visible = " ".join(_unescaped(" ".join(page.visible)).split())[:MAX_TEXT]
    offers = "\n".join(page.offers)
    return PageFacts(
        title=page.title,
        login_form=page.login_form,
        refresh=page.refresh,
        directory_listing=bool(_LISTING.match(page.title or "") or _LISTING.match(page.heading)),
        generator=page.generator,
        firmware_version=_hint(_FIRMWARE, visible),
        model=_hint(_MODEL, visible),
        administration=tuple(kind for kind, words in _ADMINISTRATION.items() if words.search(offers)),
        built_elsewhere=page.elsewhere and not page.offers and page.login_form is None,
    )


def _hint(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return match[1].strip()[:MAX_HINT] if match else None


def _text(response: Response, kind: str) -> str:
    body = response.body
    if (response.first("content-encoding") or "").strip().lower() in ("gzip", "deflate", "x-gzip"):  # sent although not asked for
        try:
            body = zlib.decompressobj(wbits=47).decompress(body, MAX_BODY)  # 47: gzip or zlib, by its header
        except zlib.error:
            body = b""
    latin = re.search(r"charset\s*=\s*[\"']?(?:iso-8859-1|latin-?1|windows-1252)", kind)
    return body.decode("latin-1" if latin else "utf-8", errors="replace")


@dataclass(slots=True)
class _Page:
    """The state of one pass over the tags."""

    title: str | None = None
    login_form: LoginForm | None = None
    refresh: str | None = None
    generator: str | None = None
    heading: str = ""
    elsewhere: bool = False
    visible: list[str] = field(default_factory=list)
    offers: list[str] = field(default_factory=list)
    _form: LoginForm | None = None
    _inside: str = ""

    def read(self, text: str) -> None:
        at = 0
        while match := _MARK.search(text, at):
            self._say(text[at : match.start()])
            if match[1]:
                at = _after(text, "-->", match.end())
            elif not match[3]:
                at = _after(text, ">", match.end())
            else:
                name = match[3].lower()
                attributes, at = _attributes(text, match.end())
                if attributes is None:  # WHATWG 13.2.5: eof-in-tag drops the tag
                    return
                if match[2]:
                    self._close(name)
                    continue
                self._open(name, attributes)
                if name in _RAW:
                    close = _RAW_END[name].search(text, at)
                    end = close.start() if close else len(text)
                    if name == "title" and self.title is None:
                        self.title = " ".join(_unescaped(text[at : min(end, at + 4096)]).split())[:MAX_TITLE]
                    at = end
        self._say(text[at:])

    def _say(self, text: str) -> None:
        words = text.strip()
        if words:
            self.visible.append(words)
            if self._inside in ("a", "button", "option", "label"):
                self.offers.append(words[:256])
            elif self._inside in ("h1", "h2") and not self.heading:
                self.heading = _unescaped(words[:256])

    def _open(self, name: str, given: dict[str, str]) -> None:
        kind = given.get("type", "").lower()
        if name == "form":
            action = given.get("action")
            self._form = LoginForm(None if action is None else without_query(action), given.get("method", "get").strip().lower()[:16])
            self.offers.append(action or "")
        elif name == "input" and kind == "password" and self.login_form is None:
            self.login_form = self._form or LoginForm(None, None)
        elif name == "input" and kind in ("submit", "button"):
            self.offers.append(given.get("value", ""))
        elif name == "a":
            self.offers.append(given.get("href", "")[:256])
        elif name == "meta":
            self._meta(given)
        elif name in ("script", "frame", "iframe"):
            self.elsewhere = True
        self._inside = name

    def _meta(self, given: dict[str, str]) -> None:
        content = " ".join(given.get("content", "")[:1024].split())
        if given.get("http-equiv", "").lower() == "refresh" and self.refresh is None and (match := _REFRESH.match(content)):
            target = without_query(match[1])
            self.refresh = None if target.isdigit() else target
        elif given.get("name", "").lower() == "generator" and self.generator is None:
            self.generator = content.strip()[:MAX_HINT] or None

    def _close(self, name: str) -> None:
        if name == "form":
            self._form = None
        self._inside = ""


def _unescaped(text: str) -> str:
    """Resolve character references; those too long for any character first, as int() refuses very long numbers."""
    return unescape(_LONG_REFERENCE.sub("\ufffd", text))


def _after(text: str, mark: str, at: int) -> int:
    """Where `mark` ends after `at`; the end of the text when it is missing (WHATWG 13.2.5: eof-in-comment)."""
    found = text.find(mark, at)
    return len(text) if found < 0 else found + len(mark)


def _attributes(text: str, at: int) -> tuple[dict[str, str] | None, int]:
    """Read attributes up to and with the `>` of a tag; the first of a name counts (WHATWG 13.2.5.33); None without a `>`."""
    given: dict[str, str] = {}
    while (match := _ATTRIBUTE.match(text, at)) and match.end() > at:
        at = match.end()
        if match[1]:
            return given, at
        if match[2] and len(given) < MAX_ATTRIBUTES:
            value = match[3] or ""
            given.setdefault(match[2].lower(), _unescaped(value[1:-1] if value[:1] in ('"', "'") else value))
    return None, len(text)
