"""FIT images of U-Boot: a device tree whose nodes are kernels, device trees, ramdisks, with digests and signatures beside them.

The tree itself is read by `devicetree`. Rules: a digest is checked where its algorithm is known; no signature is ever tried, because the
key stands in the boot loader (`dtb` shows it) and not in the image; images that lie over each other are paid for each time.

| node | property | meaning | U-Boot, doc/usage/fit/ |
|---|---|---|---|
| / | description, timestamp | | source_file_format.rst, "Root node properties" |
| /images/NAME | type, arch, os, compression, load, entry, description | | "Image-node properties" |
| | data; or data-offset, data-size | inside; behind the tree, its size rounded up to 4 | "External data" |
| | data-position, data-size | at that offset of the file | |
| /images/NAME/hash-N | algo, value | over the data | "Hash nodes" |
| /images/NAME/signature-N | algo, key-name-hint, value | over the data | signature.rst |
| /images/NAME/cipher | algo, key-name-hint | the data is encrypted | "Cipher nodes" |
| /configurations | default | | "Configurations" |
| /configurations/NAME | kernel, fdt, ramdisk, loadables, compatible | | |
| /configurations/NAME/signature-N | algo, key-name-hint, value | over the nodes of | signature.rst, |
| | hashed-nodes, or sign-images | | "Signed Configurations" |
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from plumbline.collect.firmware.devicetree import MAGIC, Node, first_names, read_tree
from plumbline.collect.firmware.digests import NAMES, crc32, digest
from plumbline.collect.firmware.format import Format, Header, Opened, Part, Signature
from plumbline.collect.firmware.said import time_of
from plumbline.collect.firmware.source import Budget, Source
from plumbline.model.errors import ProtocolError

IMAGES_MAX = 256
CONFIGURATIONS_MAX = 256
SIGNATURES_MAX = 64  # of one node
_ROLES = {"flat_dt": "dtb", "kernel_noload": "kernel", "filesystem": "rootfs"}
_REFERENCES = ("kernel", "fdt", "ramdisk", "firmware", "loadables", "fpga", "setup", "script")
_BITS = {"ecdsa256": 256, "secp521r1": 521, "ecdsa384": 384}


class _Fit:
    """One FIT on its way into what is told of it."""

    def __init__(self, source: Source, budget: Budget) -> None:
        self.source = source
        self.budget = budget
        self.tree = read_tree(source)
        self.parts: list[Part] = []
        self.signatures: list[Signature] = []
        self.problems: list[str] = []
        self.facts: dict[str, str] = {}
        self.held: list[bool] = []
        self.encrypted = False
        self.size = self.tree.size

    def opened(self) -> Opened:
        """Read the images, then the configurations."""
        tree, root = self.tree, self.tree.root
        images = list(root.children["images"].children.values()) if "images" in root.children else []
        if not images:
            raise ProtocolError("a device tree without images")
        if len(images) > IMAGES_MAX:
            self.problems.append(f"{len(images)} images: only the first {IMAGES_MAX} are read")
        for image in images[:IMAGES_MAX]:
            self._image(image)
        self._configurations()
        architectures = [found for image in images if (found := tree.text(image, "arch", 32))]
        header = Header(
            name=tree.text(root, "description", 256),
            architecture=architectures[0] if architectures else None,
            created_at=time_of(tree.number(root, "timestamp") or 0),
            checksum=all(self.held) if self.held else None,
            encrypted=self.encrypted,
            facts=self.facts,
        )
        return Opened(header, tuple(self.parts), signatures=tuple(self.signatures), size=self.size, problems=tuple(self.problems))

    def _image(self, image: Node) -> None:
        tree = self.tree
        words = [tree.text(image, name, 32) for name in ("type", "arch", "os", "compression")]
        load = tree.number(image, "load")
        described = ", ".join([word for word in words if word] + ([f"load {load:#x}"] if load is not None else []))
        self.facts[f"image.{image.name}"] = described or "nothing said"
        if image.children.get("cipher"):
            self.encrypted = True
            self.facts[f"cipher.{image.name}"] = tree.text(image.children["cipher"], "algo", 32) or "algorithm not named"
        try:
            data = self._data(image)
        except ProtocolError as error:
            self.problems.append(f"image {image.name}: {error}")
            self.held.append(False)
            return
        if data is None:
            self.problems.append(f"image {image.name} has no data")
            return
        self.parts.append(Part(image.name, data, _ROLES.get(words[0] or "", words[0])))
        for node in _named(image, "hash"):
            self._hash(image, node, data)
        for node in _named(image, "signature"):
            self._signature(node, f"images/{image.name}", f"image {image.name}")

    def _data(self, image: Node) -> Source | None:
        """Find an image's bytes: in the tree, or behind it."""
        tree, size = self.tree, self.tree.number(image, "data-size")
        offset, position = tree.number(image, "data-offset"), tree.number(image, "data-position")
        if offset is None and position is None:
            return tree.part(image, "data")
        if size is None:
            raise ProtocolError("external data of no size")
        start = position if position is not None else (tree.size + 3 & ~3) + (offset or 0)
        found = self.source.slice(start, size)
        self.size = max(self.size, start + size)
        return found

    def _hash(self, image: Node, node: Node, data: Source) -> None:
        algorithm, value = self.tree.text(node, "algo", 32), self.tree.value(node, "value", 64)
        if value is None:
            self.problems.append(f"image {image.name}: {node.name} has no value")
        elif algorithm == "crc32" or algorithm in NAMES:
            self.budget.pay(data.size)
            held = (crc32(data).to_bytes(4, "big") if algorithm == "crc32" else digest(data, algorithm)) == value
            self.held.append(held)
            if not held:
                self.problems.append(f"image {image.name}: its {algorithm} does not hold")
        else:
            self.problems.append(f"image {image.name}: digest {algorithm} is not checked")

    def _signature(self, node: Node, place: str, covers: str) -> None:
        tree = self.tree
        algo = tree.text(node, "algo", 64) or ""
        words = algo.split(",")  # "sha256,rsa2048"
        kind = words[1] if len(words) > 1 else ""
        hint = tree.text(node, "key-name-hint", 64)
        if "value" not in node.properties:
            self.problems.append(f"{place}/{node.name} asks for a signature and holds none")
            return
        self.facts[f"signature.{place}/{node.name}"] = f"{algo}, key {hint or 'not named'}"
        bits = _BITS.get(kind) or (int(kind[3:]) if kind.startswith("rsa") and kind[3:].isdecimal() and len(kind) < 9 else None)
        algorithm = "rsa" if kind.startswith("rsa") else "ecdsa" if kind in _BITS else None
        self.signatures.append(Signature("fit", algorithm, bits, words[0] if words[0] in NAMES else None, covers))

    def _configurations(self) -> None:
        tree, holder = self.tree, self.tree.root.children.get("configurations")
        if holder is None:
            return
        if default := tree.text(holder, "default", 64):
            self.facts["configuration"] = default
        for node in islice(holder.children.values(), CONFIGURATIONS_MAX):
            uses = [f"{name} {' '.join(found)}" for name in _REFERENCES if (found := tree.texts(node, name, 64))]
            self.facts[f"configuration.{node.name}"] = ", ".join(uses)[:512] or "nothing"
            if found := tree.texts(node, "compatible", 128):
                self.facts[f"compatible.{node.name}"] = " ".join(found)[:512]
            for signature in _named(node, "signature"):
                covers = f"configuration {node.name} with {self._covered(node, signature)}"
                self._signature(signature, f"configurations/{node.name}", covers)

    def _covered(self, configuration: Node, signature: Node) -> str:
        """Say which images a configuration's signature takes in, by their digests."""
        tree = self.tree
        hashed = tree.texts(signature, "hashed-nodes", 128)
        images = sorted({path.split("/")[2] for path in hashed if path.startswith("/images/") and path.count("/") >= 2})
        if not images:
            kinds = tree.texts(signature, "sign-images", 32) or ["kernel", "fdt"]
            images = [name for kind in kinds for name in tree.texts(configuration, kind, 64)]
        return (" ".join(images) or "no image")[:256]


def _named(node: Node, kind: str) -> Iterator[Node]:
    return islice((child for name, child in node.children.items() if name.startswith(kind)), SIGNATURES_MAX)


def _recognises(source: Source) -> bool:
    return "images" in first_names(source)


def _open(source: Source, budget: Budget) -> Opened:
    return _Fit(source, budget).opened()


FORMAT = Format("fit", "FIT image", ((0, MAGIC),), _recognises, _open, embedded=True)
