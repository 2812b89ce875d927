"""Strict XML (XML 1.0): chunks of bytes in, the wanted elements out one by one as they end, or a ProtocolError that says where.

Not a schema, nor what the elements mean; not a file: whoever reads one cuts it into chunks and bounds its size. Rules:

| of the form | here |
|---|---|
| document type declaration | its name alone, as nmap writes one; an internal subset, a system or a public identifier is refused |
| entities | the five of the language and character references; an own entity cannot be declared, so it cannot be used |
| nesting | at most DEPTH_MAX |
| one tag, comment or attribute | at most TOKEN_MAX bytes |
| one wanted element with all that is in it | at most HELD_MAX characters and NODES_MAX elements |

Of what is not wanted nothing is held but the elements around it, without their content: memory does not grow with the document. Prefixes of
namespaces are dropped from the names of elements.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NoReturn
from xml.parsers import expat

from plumbline.model.errors import ProtocolError

DEPTH_MAX = 100
TOKEN_MAX = 4 << 20
HELD_MAX = 32 << 20
NODES_MAX = 500_000


class Element:
    """One element: `content` in its order, of which `children` are the elements and `text` the characters.

    `parent` is without content where it was not wanted itself.
    """

    __slots__ = ("attributes", "children", "content", "parent", "tag")

    def __init__(self, tag: str, attributes: Mapping[str, str], parent: Element | None) -> None:
        self.tag = tag
        self.attributes = attributes
        self.parent = parent
        self.children: list[Element] = []  # kept beside content, as many paths are asked of each element
        self.content: list[str | Element] = []

    @property
    def text(self) -> str:
        """Its characters, those of its children left out, without spaces around them."""
        return "".join(one for one in self.content if isinstance(one, str)).strip()

    def whole_text(self) -> str:
        """Its characters and those of everything in it, in the document's order."""
        return "".join(one if isinstance(one, str) else one.whole_text() for one in self.content)

    def all(self, path: str) -> Iterator[Element]:
        """Give the elements at a path of tags below it: `ports/port`."""
        tag, _, rest = path.partition("/")
        for child in self.children:
            if child.tag == tag:
                yield from child.all(rest) if rest else (child,)

    def first(self, path: str) -> Element | None:
        """Give the first element at a path."""
        return next(self.all(path), None)

    def text_at(self, path: str) -> str | None:
        """Give the text of the first element at a path; None where there is none, or it is empty."""
        found = self.first(path)
        return (found.text or None) if found is not None else None

    def get(self, name: str) -> str | None:
        """Give an attribute; None where there is none, or it is empty."""
        return self.attributes.get(name) or None

    def above(self, tag: str) -> Element | None:
        """Give the nearest element around it that has a tag."""
        around = self.parent
        while around is not None and around.tag != tag:
            around = around.parent
        return around


def elements(chunks: Iterable[bytes], wanted: Collection[str], roots: Collection[str] = ()) -> Iterator[Element]:
    """Give each element whose tag is wanted, whole, as it ends; one within another comes with the outer alone.

    `roots` are the tags that the outermost element may have; none: any. Raises ProtocolError.
    """
    builder = _Builder(frozenset(wanted), frozenset(roots))
    for chunk in chunks:
        yield from builder.feed(chunk, last=False)
    yield from builder.feed(b"", last=True)


class _Builder:
    """Handlers of the parser, and the elements that are open."""

    def __init__(self, wanted: frozenset[str], roots: frozenset[str]) -> None:
        self._wanted = wanted
        self._roots = roots
        self._open: Element | None = None
        self._depth = 0
        self._within = 0  # how many of the open elements, from the innermost, belong to a wanted one
        self._held = self._nodes = self._fed = 0
        self._done: list[Element] = []
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.ExternalEntityRefHandler = self._entity
        parser.SkippedEntityHandler = self._entity

    def feed(self, chunk: bytes, *, last: bool) -> list[Element]:
        """Parse a chunk; gives what ended in it."""
        self._done = []
        try:
            self._parser.Parse(chunk, last)
        except expat.ExpatError as error:
            raise ProtocolError(f"not XML: {error}") from error
        except (ValueError, LookupError) as error:  # an encoding that nobody knows
            raise ProtocolError(f"not XML: {str(error)[:200]}") from error
        self._fed += len(chunk)
        if self._fed - self._parser.CurrentByteIndex > TOKEN_MAX:
            raise ProtocolError(f"one piece of markup is longer than {TOKEN_MAX >> 20} MB", offset=self._parser.CurrentByteIndex)
        return self._done

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            self._refuse(f"nested deeper than {DEPTH_MAX}")
        element = Element(name.rpartition(":")[2], attributes, self._open)
        if self._open is None and self._roots and element.tag not in self._roots:
            self._refuse(f"another document, for its outermost element is {element.tag[:60]!r}")
        if self._within or element.tag in self._wanted:
            if self._within and self._open is not None:
                self._open.children.append(element)
                self._open.content.append(element)
            self._within += 1
            self._nodes += 1
            self._hold(sum(len(key) + len(value) for key, value in attributes.items()))
            if self._nodes > NODES_MAX:
                self._refuse(f"one {element.tag} or what is around it holds more than {NODES_MAX} elements")
        self._open = element

    def _end(self, _name: str) -> None:
        element = self._open
        assert element is not None  # the parser ends only what it began
        self._depth -= 1
        self._open = element.parent
        if self._within:
            self._within -= 1
            if not self._within:
                self._done.append(element)
                self._held = self._nodes = 0

    def _text(self, text: str) -> None:
        if self._within and self._open is not None:
            self._hold(len(text))
            self._open.content.append(text)

    def _hold(self, characters: int) -> None:
        self._held += characters
        if self._held > HELD_MAX:
            self._refuse(f"one element holds more than {HELD_MAX >> 20} million characters")

    def _doctype(self, _name: str, system: str | None, public: str | None, subset: bool) -> None:
        if system or public or subset:
            self._refuse("a document type definition is not read")

    def _entity(self, *_what: object) -> NoReturn:
        self._refuse("entities are not read")

    def _refuse(self, why: str) -> NoReturn:
        raise ProtocolError(f"not read: {why}, line {self._parser.CurrentLineNumber}")
