"""Ways to change a sealed folder. Each changes one thing at random, gives the names that a verification has to say, and can be undone."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

Corruption = Callable[[Path, random.Random], set[str]]


def files(folder: Path) -> list[Path]:
    """Every file of the folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _some_file(folder: Path, chance: random.Random, *, seals: bool = False) -> Path:
    listed = [path for path in files(folder) if seals or (".dsse." not in path.name and ".private." not in path.name)]
    return chance.choice(listed)


def flip_a_byte(folder: Path, chance: random.Random) -> set[str]:
    """Of any file, the seal and the private file included; each file is as likely as any other."""
    path = _some_file(folder, chance, seals=True)
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= chance.randrange(1, 256)
    path.write_bytes(data)
    return {_name(folder, path)}


def flip_a_bit(folder: Path, chance: random.Random) -> set[str]:
    """Of any file, by its size: mostly the large ones."""
    listed = files(folder)
    path = chance.choices(listed, [one.stat().st_size for one in listed])[0]
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)
    return {_name(folder, path)}


def drop(folder: Path, chance: random.Random) -> set[str]:
    path = _some_file(folder, chance)
    path.unlink()
    return {_name(folder, path)}


def add(folder: Path, chance: random.Random) -> set[str]:
    """A file of any name, hidden ones and those of our own kinds included."""
    name = chance.choice(
        ["note.txt", ".hidden", "report.html~", "ledger.parquet.bak", "tables.parquet", "seal.dsse.json.old", "seal.private.json"]
    )
    beside = _some_file(folder, chance)
    path = beside.with_name(name)
    path.write_bytes(b"" if chance.random() < 0.3 else beside.read_bytes())
    return {_name(folder, path)}


def swap(folder: Path, chance: random.Random) -> set[str]:
    """The contents of two files that differ; where one is the seal, nothing can be said of the other."""
    one = _some_file(folder, chance)
    other = chance.choice([path for path in files(folder) if path.read_bytes() != one.read_bytes() and ".private." not in path.name])
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    return {_name(folder, other)} if ".dsse." in other.name else {_name(folder, one), _name(folder, other)}


def rename(folder: Path, chance: random.Random) -> set[str]:
    path = _some_file(folder, chance)
    moved = path.rename(path.with_name(f"moved-{path.name}"))
    return {_name(folder, path), _name(folder, moved)}


def truncate(folder: Path, chance: random.Random) -> set[str]:
    path = _some_file(folder, chance, seals=True)
    data = path.read_bytes()
    path.write_bytes(data[: chance.randrange(len(data))])
    return {_name(folder, path)}


def append(folder: Path, chance: random.Random) -> set[str]:
    path = _some_file(folder, chance, seals=True)
    path.write_bytes(path.read_bytes() + chance.choice([b"\0", b"\n", b" ", b"{}"]))
    return {_name(folder, path)}


def empty(folder: Path, chance: random.Random) -> set[str]:
    path = _some_file(folder, chance, seals=True)
    path.write_bytes(b"")
    return {_name(folder, path)}


def link(folder: Path, chance: random.Random) -> set[str]:
    """A link to the very same content, outside the folder."""
    path = _some_file(folder, chance)
    aside = folder.parent / "aside"
    shutil.copyfile(path, aside)
    path.unlink()
    path.symlink_to(aside)
    return {_name(folder, path)}


def another_table(folder: Path, chance: random.Random) -> set[str]:
    """A table that reads well, with its rows in another order or without one of them."""
    path = chance.choice([path for path in files(folder) if path.suffix == ".parquet" and pq.read_metadata(path).num_rows > 1])
    rows = pq.read_table(path)
    pq.write_table(rows.slice(1) if chance.random() < 0.5 else rows.take(list(range(len(rows) - 1, -1, -1))), path)
    return {_name(folder, path)}


def same_rows_anew(folder: Path, chance: random.Random) -> set[str]:
    """The same rows, written by somebody else."""
    path = chance.choice([path for path in files(folder) if path.suffix == ".parquet"])
    pq.write_table(pq.read_table(path), path, compression="snappy")
    return {_name(folder, path)}


def change_and_digest_anew(folder: Path, chance: random.Random) -> set[str]:
    """A file of the bundle, and the manifest made to fit it."""
    bundle = folder / "bundle" if (folder / "bundle").is_dir() else folder
    manifest = bundle / "manifest.json"
    said = json.loads(manifest.read_text())
    name = chance.choice(sorted(said["files"]))
    data = (bundle / name).read_bytes() + b"\n"
    (bundle / name).write_bytes(data)
    said["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
    manifest.write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n")
    return {_name(folder, bundle / name), _name(folder, manifest)}


CORRUPTIONS: dict[str, Corruption] = {
    one.__name__.replace("_", " "): one
    for one in (
        flip_a_byte,
        flip_a_bit,
        drop,
        add,
        swap,
        rename,
        truncate,
        append,
        empty,
        link,
        another_table,
        same_rows_anew,
        change_and_digest_anew,
    )
}
