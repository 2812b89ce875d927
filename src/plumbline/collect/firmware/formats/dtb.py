"""Device tree blobs: which board they describe, what the kernel is told, and which keys a boot loader trusts.

The layout stands in `devicetree`. A tree with images in it is a FIT (`fit`), and none for this module.

| place | what | source |
|---|---|---|
| / | model, compatible, serial-number | Devicetree Specification 0.4, 2.3 |
| /chosen | bootargs, stdout-path | 3.6 |
| /signature/key-* | algo, required, key-name-hint, rsa,num-bits | U-Boot, doc/usage/fit/signature.rst, "Public Key Storage" |

The keys of the last row are those that U-Boot holds the signatures of a FIT against.
"""

from __future__ import annotations

from plumbline.collect.firmware.devicetree import MAGIC, DeviceTree, first_names, looks_right, read_tree
from plumbline.collect.firmware.format import Format, Header, Opened
from plumbline.collect.firmware.said import command_line, shown
from plumbline.collect.firmware.source import Budget, Source

KEYS_MAX = 32
_CHOSEN = ("bootargs", "stdout-path")


def _recognises(source: Source) -> bool:
    return looks_right(source) and "images" not in first_names(source)


def _open(source: Source, budget: Budget) -> Opened:
    budget.pay(min(source.size, 1 << 20))
    tree = read_tree(source)
    compatible = tree.texts(tree.root, "compatible", 128)
    header = Header(
        product=tree.text(tree.root, "model", 128),
        vendor=compatible[0].partition(",")[0] if compatible and "," in compatible[0] else None,
        hardware=tuple(compatible[:16]),
        facts=_facts(tree),
    )
    return Opened(header, size=tree.size)


def _facts(tree: DeviceTree) -> dict[str, str]:
    facts: dict[str, str] = {}
    if serial := tree.text(tree.root, "serial-number", 128):
        facts["serial_number"] = serial
    chosen = tree.at("/chosen")
    for name in _CHOSEN if chosen else ():
        if chosen and (text := tree.text(chosen, name)):
            facts[name.replace("-", "_")] = command_line(text)
    signature = tree.at("/signature")
    for node in list(signature.children.values())[:KEYS_MAX] if signature else ():
        if node.name.startswith("key"):
            said = [tree.text(node, "algo", 64) or "algorithm not named"]
            if bits := tree.number(node, "rsa,num-bits"):
                said.append(f"{bits} bits")
            said.append(f"required for {tree.text(node, 'required', 16)}" if "required" in node.properties else "not required")
            hint = tree.text(node, "key-name-hint", 64) or node.name
            facts[f"trusted_key.{shown(hint, 64)}"] = ", ".join(said)
    return facts


FORMAT = Format("dtb", "device tree", ((0, MAGIC),), _recognises, _open, embedded=True)
