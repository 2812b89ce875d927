"""The lab's reference data: what its vendor publishes, imported as a user imports the real thing.

FOLDER/vendor/        the files, as published
FOLDER/reference/     the store that `assess --reference` takes
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from plumbline.catalogue.intake import import_files
from plumbline.evidence.reference import Reference
from plumbline.lab.files import vendor
from plumbline.model.errors import InputError
from plumbline.vulnerabilities.importing import import_paths

SOURCES = frozenset({"own-northwind", "csaf.northwind"})  # as the importers name what the vendor publishes


def write(at: datetime, folder: Path) -> Path:
    """Publish and import, as of the lab's day; gives the store. Raises InputError where one stands that is not a lab's."""
    published, store = folder / "vendor", folder / "reference"
    if Reference(store).sources.keys() - SOURCES:
        raise InputError("holds reference data of yours", where=str(store), remedy="name another folder; the lab writes its own")
    published.mkdir(parents=True, exist_ok=True)
    for name, data in vendor.files(at).items():
        (published / name).write_bytes(data)
    import_files([published / vendor.CATALOGUE], store, now=at, as_of=at)
    import_paths([published / "*.json"], store, at, again=True, replace=True)
    return store
