"""Opens an image layer by layer: what stands in a container, a compression or a file system is looked at in turn.

Not the formats themselves (`formats/`) and not what the files in them say (`reading`). Rules: layers, depth, entries and bytes are capped,
and what a cap ended is told; what cannot be opened stays a layer, with what is known of it, so that nothing is left out in silence (but
blank fill, and what is too small to hold files); nothing is written but to the scratch folder.

A layer's path tells the way to it, its steps joined by `!`: '' is the file itself, `kernel` a part, `@0x40000` what lies at that offset
of the layer around it, `rootfs!/boot/initrd.gz` a file inside.
"""

from __future__ import annotations

import math
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from plumbline.collect.firmware.format import HEAD, Format, Opened, candidates, identify
from plumbline.collect.firmware.search import Find, Search
from plumbline.collect.firmware.source import Budget, BudgetSpentError, Source, UnsupportedImageError
from plumbline.collect.firmware.tree import ENTRIES_MAX, Entry, Tree, walk
from plumbline.collect.firmware.unblob import OWNERS_UNKNOWN, Unblob
from plumbline.model.errors import ProtocolError

DEPTH_MAX = 12  # an update package, a disk, a file system, a FIT, a kernel and its initial files take nine
LAYERS_MAX = 1_000
NESTED_MIN = 64
NESTED_MAX = 1 << 30  # bytes of one file that is opened as an image itself
FEW_FILES = 32  # an archive of no more is an update package: each large file in it is looked at
GAP_MIN = 4096  # less than this between two finds is a header, a trailer or a filling
ENTROPY_SAMPLES, ENTROPY_SAMPLE = 16, 64 << 10
TEXT_MAX = 1 << 20
_CONTROL = re.compile(r"[\0-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
DENSE = 7.9  # bits a byte, that programs and texts never reach
_NESTED_NAME = re.compile(
    r"\.(?:img|bin|sqsh|squashfs|ubi|ubifs|jffs2|ext[234]|cpio|tar|tgz|swu|raucb|mender|itb|dtb|trx|ota|uf2|hex|zip|gz|bz2|xz|lzma|lz4|zst)$"
    r"|/(?:initrd|initramfs|u?zImage|uImage|bzImage|vmlinu[xz]|rootfs|kernel|fit)[^/]*$"
    r"|/(?-i:Image)(?:-\d[^/]*)?$",  # arm64's; no picture
    re.IGNORECASE,
)
_ROOT_FOLDERS = ("/etc", "/bin", "/usr")
_BOOT_FOLDERS = ("/boot/", "/firmware/", "/lib/firmware/")
# Told by their first bytes, and not opened; so that a person knows what it is. The last two may hold what can be opened.
_OTHERS = (
    (0, b"sqsh", "squashfs, big endian"),
    (0, b"shsq", "squashfs with a vendor's own LZMA"),
    (0, b"qshs", "squashfs with a vendor's own LZMA, big endian"),
    (0, b"hsqs", "squashfs of an unknown kind"),
    (1024, b"\x10\x20\xf5\xf2", "F2FS"),
    (1024, b"\xe2\xe1\xf5\xe0", "EROFS"),
    (3, b"EXFAT   ", "exFAT"),
    (3, b"NTFS    ", "NTFS"),
    (0, b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
    (0, b"Rar!\x1a\x07", "RAR archive"),
    (0, b"MSCF", "cabinet archive"),
    (32769, b"CD001", "ISO 9660"),
    (0, b"\x7fELF", "ELF program"),
    (510, b"\x55\xaa", "disk with a boot sector"),
)
_SEARCHED_KINDS = (None, "ELF program", "disk with a boot sector")


class State(StrEnum):
    """What became of a layer."""

    OPENED = "opened"
    NOT_SUPPORTED = "not_supported"  # known for what it is, and not handled
    BROKEN = "broken"  # known for what it is, and not as that should be
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Layer:
    """One layer; `problem` says why it was not opened, or not wholly; `entropy` (bits a byte, 0 to 8) is measured of what was not."""

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
    searched: bool = False  # it is what a search of the layer around it found nothing in
    given: bool = False  # it is what unblob took nothing out of

    def below(self, name: str) -> str:
        """Name something inside; what cannot be printed is left out of its name."""
        plain = "".join(letter if letter.isprintable() else "?" for letter in name)
        return f"{self.path}!{plain}" if self.path else plain

    @property
    def may_hold_files(self) -> bool:
        """Whether, where it was not opened, files may be in it: it is known for what holds some, or dense as what is packed."""
        if self.state is State.UNKNOWN and self.kind in (None, "ELF program"):
            return self.kind is None and (self.entropy or 0.0) >= DENSE
        return True

    def described(self) -> str:
        """Say in words what it is; of what was not opened, how dense it is too."""
        what = self.format.title if self.format else self.kind or "data of no known kind"
        if self.entropy is None or self.kind == "blank":
            return what
        dense = ", as what is compressed or encrypted has" if self.entropy >= DENSE else ""
        return f"{what}, {self.entropy:.2f} bits of entropy a byte{dense}"


def unpack(
    source: Source, budget: Budget, stop: Callable[[], bool] = lambda: False, unblob: Unblob | None = None
) -> tuple[list[Layer], list[str]]:
    """Open everything; gives the layers, outer before inner, and what was cut short. Raises nothing that the bytes could cause.

    What no format opens is given to `unblob`, where there is one.
    """
    work = _Unpacking(budget, stop, unblob)
    work.run(Layer("", source, None, 0))
    return work.layers, work.problems


class _Unpacking:
    def __init__(self, budget: Budget, stop: Callable[[], bool], unblob: Unblob | None) -> None:
        self.budget = budget
        self.stop = stop
        self.unblob = unblob
        self.layers: list[Layer] = []
        self.problems: list[str] = []
        self.entries_left = ENTRIES_MAX

    def run(self, outer: Layer) -> None:
        queue = deque([outer])
        while queue:
            layer = queue.popleft()
            if len(self.layers) >= LAYERS_MAX:
                self.problems.append(f"more than {LAYERS_MAX} parts: the rest was not opened")
                return
            if self.stop():
                self.problems.append("the run was ended here")
                return
            self.layers.append(layer)
            try:
                for inner in self._inside(layer):
                    if inner.depth > DEPTH_MAX:
                        self._say(layer, f"deeper than {DEPTH_MAX} layers: what is in it was not opened")
                        break
                    queue.append(inner)
                    if len(self.layers) + len(queue) > LAYERS_MAX:
                        break  # the rest of them is not even looked for
            except BudgetSpentError as error:
                self._say(layer, f"{error}; not all of it was opened, and nothing that comes after it")
                return

    def _say(self, layer: Layer, problem: str) -> None:
        self.problems.append(f"{layer.path or 'the image'}: {problem}")

    def _inside(self, layer: Layer) -> Iterator[Layer]:
        """Open one layer, and give what is to be looked at next."""
        if layer.opened is None and layer.problem is None:
            self._open(layer)
        if layer.opened is None:
            self._describe(layer)
            found = False
            if layer.format is None and layer.kind in _SEARCHED_KINDS and not layer.searched:
                for inner in self._searched(layer, 0):
                    found = True
                    yield inner
            if not found:
                yield from self._widened(layer)
            return
        try:
            if layer.opened.files is not None:
                layer.tree = walk(layer.opened.files, self.stop, self.entries_left)
                self.entries_left -= len(layer.tree.entries)
        except BudgetSpentError:
            raise
        except ProtocolError as error:
            layer.state, layer.problem = State.BROKEN, str(error)
            self._describe(layer)
            return
        layer.state = State.OPENED
        if layer.opened.problems:
            layer.problem = "; ".join(layer.opened.problems)[:1000]
            self._say(layer, layer.problem)
        for part in layer.opened.parts:
            yield Layer(layer.below(part.name), part.source, part.role, layer.depth + 1)
        if layer.tree is not None:
            yield from self._nested(layer, layer.tree)
        if layer.opened.size is not None and layer.opened.size < layer.source.size:
            yield from self._searched(layer, layer.opened.size)

    def _open(self, layer: Layer) -> None:
        """Open it as what it most probably is; when it turns out not to be that, as what else it may be."""
        for each in candidates(layer.source):
            try:
                layer.opened = each.open(layer.source, self.budget)
            except BudgetSpentError:
                layer.format = layer.format or each
                raise
            except ProtocolError as error:
                if layer.format is None:
                    layer.format, layer.problem = each, str(error)
                    layer.state = State.NOT_SUPPORTED if isinstance(error, UnsupportedImageError) else State.BROKEN
            else:
                layer.format, layer.problem = each, None
                return

    def _describe(self, layer: Layer) -> None:
        """Say what can be said from outside."""
        head = layer.source.some(0, HEAD)
        layer.kind = next((name for at, magic, name in _OTHERS if head.startswith(magic, at)), None)
        layer.entropy = entropy(layer.source)
        if layer.format is None and layer.entropy == 0 and layer.source.size and layer.source.is_blank():
            layer.state, layer.kind = State.OPENED, "blank"  # there is nothing more to know
        elif layer.path and layer.format is None and layer.kind is None and is_text(layer.source):
            layer.state, layer.kind = State.OPENED, "text"  # nor here: a script, a setting, a licence

    def _searched(self, layer: Layer, start: int) -> Iterator[Layer]:
        """Look behind `start` for images at any offset. What nothing was found in, and is neither blank nor small, becomes a layer too."""
        search, taken = Search(layer.source, start, self.budget, self.stop), start
        for found in search.finds():
            yield from self._gap(layer, taken, found.at)
            yield self._found(layer, found)
            taken = found.end
        if taken:
            yield from self._gap(layer, taken, layer.source.size)
        if search.problem is not None:
            self._say(layer, search.problem)

    def _found(self, layer: Layer, found: Find) -> Layer:
        # Of what is not handled, where it ends is not known: it may take all the rest.
        size = None if found.opened is None else found.end - found.at
        inner = Layer(layer.below(f"@{found.at:#x}"), layer.source.slice(found.at, size), None, layer.depth + 1)
        inner.format, inner.opened, inner.problem = found.format, found.opened, found.problem
        inner.state = State.UNKNOWN if found.opened is not None else State.NOT_SUPPORTED
        return inner

    def _gap(self, layer: Layer, start: int, end: int) -> Iterator[Layer]:
        if end - start >= GAP_MIN and not (gap := layer.source.slice(start, end - start)).is_blank():
            yield Layer(layer.below(f"@{start:#x}"), gap, None, layer.depth + 1, searched=True)

    def _widened(self, layer: Layer) -> Iterator[Layer]:
        """Have unblob, where it is installed, open what nothing else does; what it took nothing out of becomes a layer too."""
        if self.unblob is None or layer.given or layer.source.size < GAP_MIN:
            return
        if layer.kind in ("blank", "text", "ELF program") or layer.role == "memory":
            return  # which hold nothing that it could take out
        try:
            found, end = self.unblob.take(layer.source), 0
            for taken in found:
                yield from self._left(layer, end, taken.at)
                inner = Layer(layer.below(f"@{taken.at:#x}"), layer.source.slice(taken.at, taken.size), None, layer.depth + 1)
                inner.kind, inner.opened = taken.title, Opened(files=taken.files, problems=(OWNERS_UNKNOWN,))
                yield inner
                end = taken.at + taken.size
            if found:
                yield from self._left(layer, end, layer.source.size)
        except BudgetSpentError:
            raise
        except ProtocolError as error:
            self._say(layer, str(error))

    def _left(self, layer: Layer, start: int, end: int) -> Iterator[Layer]:
        for gap in self._gap(layer, start, end):
            gap.given = True
            yield gap

    def _nested(self, layer: Layer, tree: Tree) -> Iterator[Layer]:
        """Give the files that are images themselves.

        Of a root file system only those of its boot folders; of anything else all that some format knows, and what may hold one behind a
        vendor's header: by its name, or because there are so few files that it must be an update package.
        """
        is_root = sum(folder in tree.entries for folder in _ROOT_FOLDERS) >= 2
        files = [entry for entry in tree.entries.values() if entry.kind == "file"]
        few = len(files) <= FEW_FILES
        for entry in files:
            named = _NESTED_NAME.search(entry.path) is not None
            if entry.size < NESTED_MIN or (is_root and not (named and entry.path.startswith(_BOOT_FOLDERS))):
                continue
            if entry.size > NESTED_MAX:
                if named or few:
                    self._say(layer, f"{entry.path[:200]}: larger than {NESTED_MAX >> 20} MB: it was not opened as an image")
                continue
            may_hold = not is_root and (named or few) and entry.size >= GAP_MIN
            try:
                source = self._file(tree, entry, always=may_hold)
            except BudgetSpentError:
                raise
            except ProtocolError:
                continue  # said when its content is read for what it is
            if source is not None:
                yield Layer(layer.below(entry.path), source, None, layer.depth + 1)

    def _file(self, tree: Tree, entry: Entry, *, always: bool) -> Source | None:
        """Give a file as a source, when it begins like an image or is wanted `always`."""
        inode = tree.inode(entry)
        stored = tree.files.stored(inode)
        head = stored or Source.of_bytes(tree.files.content(inode, HEAD))
        if not always and identify(head) is None:
            return None
        return stored or self.budget.keep(tree.files.pieces(inode))


def is_text(source: Source) -> bool:
    """Tell whether it is a text of UTF-8, or of ASCII, of at most a megabyte."""
    if not 0 < source.size <= TEXT_MAX:
        return False
    try:
        text = source.read(0, source.size).decode()
    except UnicodeDecodeError:
        return False
    return _CONTROL.search(text) is None


def entropy(source: Source) -> float:
    """Measure the entropy of samples from all over it, in bits a byte; near 8 it is compressed or encrypted."""
    counts: Counter[int] = Counter()
    for offset in range(0, source.size, max(ENTROPY_SAMPLE, source.size // ENTROPY_SAMPLES)):
        counts.update(source.some(offset, ENTROPY_SAMPLE))
    total = counts.total()
    return round(-sum(count / total * math.log2(count / total) for count in counts.values()), 3) + 0.0 if total else 0.0
