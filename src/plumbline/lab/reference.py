"""The lab's reference data: what its vendor publishes, imported as a user imports the real thing.

FOLDER/vendor/        the files, as published
FOLDER/reference/     the store that `assess --reference` takes
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from plumbline.catalogue.intake import import_files
from plumbline.lab.files import vendor
from plumbline.vulnerabilities.importing import import_paths


def write(at: datetime, folder: Path) -> Path:
    """Publish and import, as of the lab's day; gives the store, which takes the place of an older one."""
    published, store = folder / "vendor", folder / "reference"
    shutil.rmtree(store, ignore_errors=True)
    published.mkdir(parents=True, exist_ok=True)
    for name, data in vendor.files(at).items():
        (published / name).write_bytes(data)
    import_files([published / vendor.CATALOGUE], store, now=at, as_of=at)
    import_paths([published / "*.json"], store, at)
    return store
