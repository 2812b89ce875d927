"""Opens an image layer by layer: what stands in a container, a compression or a file system is looked at in turn.

Not the formats themselves (`formats/`) and not what the files in them say (`reading`). Rules: layers, depth and bytes are capped; what
cannot be opened stays a layer, with what is known of it, so that nothing is left out in silence; nothing is written but to the scratch
folder.

A layer's path tells the way to it, its steps joined by `!`: '' is the file itself, `kernel` a part, `@0x40000` what a search found at
that offset, `rootfs!/boot/initrd.gz` a file inside.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from plumbline.collect.firmware.format import Format, Opened, Part, identify, load_formats
from plumbline.collect.firmware.source import Budget, BudgetSpentError, Source, UnsupportedImageError
from plumbline.collect.firmware.tree import Entry, Tree, walk
from plumbline.model.errors import ProtocolError

DEPTH_MAX = 8
LAYERS_MAX = 1_000
SEARCHED_MAX = 1 << 30
HITS_MAX = 10_000
NESTED_MAX = 256 << 20  # bytes of one file that is opened as an image itself
ENTROPY_SAMPLE = 4 << 20
_BLOCK = 1 << 20
_NESTED_NAME = re.compile(
    r"\.(?:img|bin|sqsh|squashfs|ubi|ubifs|jffs2|ext[234]|cpio|tar|tgz|swu|raucb|mender|itb|dtb|trx|ota|uf2|hex|zip|gz|xz|lzma|lz4|zst)$"
    r"|/(?:initrd|initramfs|u?zImage|uImage|vmlinu[xz]|rootfs|kernel|fit)[^/]*$",
    re.IGNORECASE,
)
_ROOT_FOLDERS = ("/etc", "/bin", "/usr")
# Told by their first bytes, and not opened; so that a person knows what it is.
_OTHERS = (
    (0, b"sqsh", "squashfs, big endian"),
    (0, b"shsq", "squashfs with a vendor's own LZMA"),
    (0, b"qshs", "squashfs with a vendor's own LZMA, big endian"),
    (0, b"\x7fELF", "ELF program"),
    (0, b"hsqs", "squashfs of an unknown kind"),
    (1024, b"\x10\x20\xf5\xf2", "F2FS"),
    (1024, b"\xe2\xe1\xf5\xe0", "EROFS"),
    (510, b"\x55\xaa", "disk with a boot sector"),
)


class State(StrEnum):
    """What became of a layer."""

    OPENED = "opened"
    NOT_SUPPORTED = "not_supported"  # known for what it is, and not handled
    BROKEN = "broken"  # known for what it is, and not as that should be
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Layer:
    """One layer; `problem` says why it was not opened, `entropy` (bits a byte, 0 to 8) is measured of what was not."""

    path: str
    source: Source
    role: str | None
    depth: int
    state: State = State.UNKNOWN
    format: Format | None = None
    opened: Opened | None = None
    tree: Tree | None = None
    problem: str | None = None
    entropy: float | None = None
    kind: str | None = None  # what it is, in words, where no format of ours is

    def below(self, name: str) -> str:
        """Name something inside."""
        return f"{self.path}!{name}" if self.path else name


def unpack(source: Source, budget: Budget, stop: Callable[[], bool] = lambda: False) -> tuple[list[Layer], list[str]]:
    """Open everything; gives the layers, outer before inner, and what ended it early. Raises nothing that the bytes could cause."""
    layers: list[Layer] = []
    queue = [Layer("", source, None, 0)]
    problems: list[str] = []
    while queue:
        layer = queue.pop(0)
        if len(layers) >= LAYERS_MAX:
            problems.append(f"more than {LAYERS_MAX} parts: the rest was not opened")
            break
        if stop():
            problems.append("the run was ended here")
            break
        layers.append(layer)
        try:
            inside = list(_inside(layer, budget, stop))
        except BudgetSpentError as error:
            problems.append(f"{layer.path or 'the image'}: {error}")
            break
        if inside and layer.depth >= DEPTH_MAX:
            problems.append(f"{layer.path}: deeper than {DEPTH_MAX} layers")
            continue
        queue += [Layer(path, part.source, part.role, layer.depth + 1) for path, part in inside]
    return layers, problems


def _inside(layer: Layer, budget: Budget, stop: Callable[[], bool]) -> Iterator[tuple[str, Part]]:
    """Open one layer, and give what is to be looked at next."""
    layer.format = identify(layer.source)
    if layer.format is None:
        yield from _searched(layer)
        _describe(layer)
        return
    try:
        layer.opened = opened = layer.format.open(layer.source, budget)
        layer.state = State.OPENED
        if opened.files is not None:
            layer.tree = walk(opened.files, stop)
    except BudgetSpentError:
        raise
    except ProtocolError as error:
        layer.state = State.NOT_SUPPORTED if isinstance(error, UnsupportedImageError) else State.BROKEN
        layer.problem = str(error)
        _describe(layer)
        return
    for part in opened.parts:
        yield layer.below(part.name), part
    if layer.tree is not None:
        yield from _nested(layer, layer.tree, budget)
    if opened.size is not None and opened.size < layer.source.size:
        rest = layer.source.slice(opened.size)
        if rest.size >= 64 and not _blank(rest):
            yield layer.below(f"@{opened.size:#x}"), Part("", rest)


def _searched(layer: Layer) -> Iterator[tuple[str, Part]]:
    """Look for formats at any offset: behind a vendor's header, one after the other in a flash dump."""
    magics = {magic: each for each in load_formats().values() if each.embedded for at, magic in each.magics if at == 0}
    pattern = re.compile(b"|".join(re.escape(magic) for magic in sorted(magics, key=len, reverse=True)))
    at, hits, taken, tail = 0, 0, 0, b""
    longest = max(map(len, magics)) - 1
    while at < min(layer.source.size, SEARCHED_MAX):
        block = layer.source.some(at, _BLOCK)
        window, start = tail + block, at - len(tail)
        for match in pattern.finditer(window):
            offset, hits = start + match.start(), hits + 1
            if hits > HITS_MAX:
                return
            if offset < taken or match.end() <= len(tail):
                continue  # it lies in what was found, or was seen with the block before
            found = layer.source.slice(offset)
            if offset and magics[match[0]].recognises(found):
                size = _span(magics[match[0]], found)
                taken = offset + size
                yield layer.below(f"@{offset:#x}"), Part("", found.slice(0, size))
        at += len(block)
        tail = window[-longest:]


def _span(each: Format, source: Source) -> int:
    """How many bytes a found format takes, so that what lies in it is not found twice."""
    try:
        return each.open(source, Budget()).size or source.size
    except ProtocolError:
        return source.size


def _nested(layer: Layer, tree: Tree, budget: Budget) -> Iterator[tuple[str, Part]]:
    """Give the files of an archive, or of a boot folder, that are images themselves; a root file system's own files are not tried."""
    is_root = sum(folder in tree.entries for folder in _ROOT_FOLDERS) >= 2
    for entry in tree.entries.values():
        if entry.kind != "file" or not 64 <= entry.size <= NESTED_MAX:
            continue
        if is_root and not (entry.path.startswith(("/boot/", "/firmware/", "/lib/firmware/")) and _NESTED_NAME.search(entry.path)):
            continue
        try:
            source = _file(tree, entry, budget)
        except BudgetSpentError:
            raise
        except ProtocolError:
            continue  # said when its content is read for what it is
        if source is not None and (not is_root or identify(source) is not None):
            yield layer.below(entry.path), Part(entry.path, source)


def _file(tree: Tree, entry: Entry, budget: Budget) -> Source | None:
    stored = tree.files.stored(tree.inode(entry))
    if stored is None and identify(Source.of_pieces([tree.content(entry, 65536)], budget)) is None:
        return None
    return stored or Source.of_pieces([tree.content(entry, NESTED_MAX)], budget)


def _describe(layer: Layer) -> None:
    head = layer.source.some(0, 4096)
    layer.kind = next((name for at, magic, name in _OTHERS if head[at : at + len(magic)] == magic), None)
    layer.entropy = entropy(layer.source)


def entropy(source: Source) -> float:
    """Measure the entropy of the first megabytes, in bits a byte; near 8 it is compressed or encrypted."""
    counts: Counter[int] = Counter()
    for block in source.slice(0, min(source.size, ENTROPY_SAMPLE)).blocks():
        counts.update(block)
    total = counts.total()
    return round(-sum(count / total * math.log2(count / total) for count in counts.values()), 3) + 0.0 if total else 0.0


def _blank(source: Source) -> bool:
    """Nothing but the fill of erased flash."""
    return all(not block.strip(b"\xff") or not block.strip(b"\0") for block in source.blocks())
