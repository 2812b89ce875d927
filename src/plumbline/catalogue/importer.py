"""What every importer offers, and where they are found."""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import cache
from typing import ClassVar

import plumbline.catalogue.importers as place
from plumbline.catalogue.documents import Document
from plumbline.catalogue.facts import AsOf, Fact, Unread
from plumbline.model.errors import InternalError

Read = Fact | AsOf | Unread


class Importer(ABC):
    """One import from one source; a new one is made for each import, so that it may remember what earlier documents said."""

    title: ClassVar[str]
    licence: ClassVar[str | None] = None  # of the data, where all of it has one
    whole: ClassVar[bool] = False  # an import takes the place of all of the earlier one, and is not added to it

    @abstractmethod
    def takes(self, document: Document) -> bool:
        """Whether a document is of this source's form; cheap, and sure: no other importer may take the same."""

    def source_id(self, document: Document) -> str | None:  # noqa: ARG002 - most importers are one source, whatever the document
        """Name the source of one document; None: all documents of this importer are one source, named after it."""
        return None

    @abstractmethod
    def read(self, document: Document) -> Iterator[Read]:
        """Read one document that it takes; raises ProtocolError when the document breaks its own form."""

    def rest(self) -> Iterator[Read]:
        """Give what could only be told once all documents were read."""
        return iter(())


@cache
def importers() -> Mapping[str, type[Importer]]:
    """All importers by id; raises InternalError for a module without a Reader."""
    found = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(place.__path__)):
        reader = getattr(importlib.import_module(f"{place.__name__}.{module}"), "Reader", None)
        if not (isinstance(reader, type) and issubclass(reader, Importer)):
            raise InternalError(f"importer {module} has no Reader")
        found[module.replace("_", "-")] = reader
    return found
