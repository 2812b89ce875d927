"""Which file of several is damaged, and how: asked once reading has failed, so that what can be read pays nothing for it.

Not whether a file is the one that was written, which a seal tells (`attest`). Rules: a damaged file is named, with what is wrong in it;
where none is, the failure is somebody else's and goes on as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.evidence.specs import ARROW_TYPES
from plumbline.model.errors import EnvironmentFault, InputError

# What readers of a damaged file raise: the engine, Arrow, and whoever takes its values for what they should be.
FAULTS = (duckdb.Error, pa.ArrowException, OSError, LookupError, TypeError, ValueError, AttributeError)
REMEDY = "copy it anew from where it was written, or assess again where it was derived"
BATCH_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Readable:
    """A Parquet file that should be readable: the types of its columns by name, as specs write them; those in `needed` must be there."""

    path: Path
    types: Mapping[str, str]
    needed: tuple[str, ...] = ()
    remedy: str = REMEDY


def damage(file: Readable) -> str | None:
    """Say what is wrong with a file; None when it can be read to its end and its columns are what they should be."""
    try:
        with pq.ParquetFile(file.path) as parquet:
            there = {field.name: field.type for field in parquet.schema_arrow}
            for name in file.needed:
                if name not in there:
                    return f"has no column {name}"
            for name in file.types.keys() & there.keys():
                if there[name] != ARROW_TYPES[file.types[name]]:
                    return f"column {name} is {there[name]}, should be {ARROW_TYPES[file.types[name]]}"
            for _ in parquet.iter_batches(batch_size=BATCH_ROWS):
                pass
    except IsADirectoryError:
        return "cannot be read: it is a folder"
    except FileNotFoundError:
        return "is missing"
    except (pa.ArrowException, OSError) as error:
        return f"cannot be read: {' '.join(str(error).split())[:200]}"
    return None


@contextmanager
def named(files: Callable[[], Iterable[Readable]]) -> Iterator[None]:
    """Raise an InputError that names the first of some files that is damaged, where reading them fails; any other failure goes on.

    Raises EnvironmentFault where it is for want of memory.
    """
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise EnvironmentFault(f"reading needs more memory than the engine may take: {error}") from error
    except FAULTS as error:
        for file in files():
            if wrong := damage(file):
                raise InputError(wrong, where=str(file.path), remedy=file.remedy) from error
        raise
