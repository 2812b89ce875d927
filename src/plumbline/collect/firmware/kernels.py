"""The Linux kernels of an image and how they are configured, into the table image_kernel.

Not how kernels are packed (`formats/linux`), what stands in them (`kernel`), nor what a configuration says (`kernel_configuration`).
Rules: a kernel's own configuration is the best witness; else a file that bears its release counts. A kernel of which only the modules or
the configuration are there is told too. A configuration that cannot be read makes the table partial, and the next place is looked at.

| place | of |
|---|---|
| behind `IKCFG_ST` in the kernel | the kernel itself |
| /boot/config-R, /config-R, /lib/modules/R/config, /lib/modules/R/build/.config, /usr/src/linux-headers-R/.config | release R |
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.collect.firmware.contents import Contents
from plumbline.collect.firmware.kernel_configuration import SIZE_MAX, Configuration, read_configuration
from plumbline.collect.firmware.unpack import Layer
from plumbline.model.errors import ProtocolError

TABLE = "image_kernel"
RELEASES_MAX = 100  # in one image; distributions keep three
_RELEASE = r"(\d{1,3}\.\d{1,5}[!-.0-~]{0,100})"
_TRACES = re.compile(rf"(?:/boot)?/config-{_RELEASE}|(?:/usr)?/lib/modules/{_RELEASE}/(?:kernel|config|modules\.[^/]+|[^/]+\.ko)")
_PLACES = (
    *("/boot/config-{}", "/config-{}", "/lib/modules/{}/config", "/usr/lib/modules/{}/config"),
    *("/lib/modules/{}/build/.config", "/usr/src/linux-headers-{}/.config"),
)
_FORMATS = frozenset({"linux", "linux_raw"})


@dataclass(frozen=True, slots=True)
class _Found:
    """A configuration, where it was found, and the offset in the supplied file that it is cited by."""

    place: str
    at: int | None
    said: Configuration


class Kernels:
    """The kernels of one image."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents

    def write(self) -> None:
        """Write the kernels themselves, then those of which something else is there."""
        told: set[str] = set()
        for layer in self._layers():
            release = layer.opened.header.version if layer.opened else None
            told.add(release or "")
            self._row(release, layer, self._inside(layer) or (self._beside(release) if release else None))
        for number, release in enumerate(self._releases(told)):
            if number == RELEASES_MAX:
                self._contents.fell_short([f"more than {RELEASES_MAX} kernels"], "", TABLE)
                return
            self._row(release, None, self._beside(release))

    def _layers(self) -> Iterator[Layer]:
        """Give the kernels; of one that holds another, packed, the inner one."""
        found = [layer for layer in self._contents.layers if layer.format is not None and layer.format.id in _FORMATS and layer.opened]
        paths = {layer.path for layer in found}
        return (layer for layer in found if layer.below("kernel") not in paths)

    def _releases(self, told: set[str]) -> Iterator[str]:
        """Give the releases that only files tell of."""
        for _, tree in self._contents.trees:
            for path in tree.entries:
                match = _TRACES.fullmatch(path)
                release = (match[1] or match[2]) if match else None
                if release is not None and release not in told:
                    told.add(release)
                    yield release

    def _inside(self, kernel: Layer) -> _Found | None:
        """Give the configuration that stands in a kernel."""
        for layer in self._contents.layers:
            if layer.role == "kernel-config" and layer.path == kernel.below("config"):
                said = self._read(layer.source.some(0, SIZE_MAX + 1), layer.path)
                return None if said is None else _Found(layer.path, self._contents.spot(layer, 0), said)
        return None

    def _beside(self, release: str) -> _Found | None:
        """Give the configuration that a file of a release holds."""
        for layer, tree in self._contents.trees:
            for place in _PLACES:
                entry = tree.resolve(place.format(release))
                if entry is None or entry.kind != "file":
                    continue
                path = self._contents.shown(layer, entry.path)
                data = self._contents.content(layer, entry, SIZE_MAX + 1, TABLE)
                said = self._read(data, path) if data is not None else None
                if said is not None:
                    return _Found(path, self._contents.place(layer, entry), said)
        return None

    def _read(self, data: bytes, path: str) -> Configuration | None:
        try:
            return read_configuration(data)
        except ProtocolError as error:
            self._contents.fell_short([str(error)], path, TABLE)
            return None

    def _row(self, release: str | None, layer: Layer | None, found: _Found | None) -> None:
        """Write a row, cited by the kernel, or where there is none by its configuration."""
        header = layer.opened.header if layer is not None and layer.opened is not None else None
        said = found.said if found is not None else None
        self._contents.row(
            TABLE,
            f"kernel/{release}" if release else "kernel",
            at=self._contents.spot(layer, 0) if layer is not None else found.at if found is not None else None,
            release=release,
            path=layer.path if layer is not None else None,
            architecture=(header.architecture if header is not None else None) or (said.architecture if said is not None else None),
            configuration=found.place if found is not None else None,
            options=said.named if said is not None else None,
            stack_protector=said.stack_protector if said is not None else None,
            **(said.options if said is not None else {}),
        )
