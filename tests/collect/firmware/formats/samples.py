"""Samples of every header, container and kernel, by the id of their format, each with its name in words."""

from __future__ import annotations

from tests.collect.firmware.formats import making_android, making_devicetree, making_headers, making_kernels, making_packages
from tests.collect.firmware.making import image

SAMPLES: dict[str, dict[str, bytes]] = {
    **making_devicetree.SAMPLES,
    **making_headers.SAMPLES,
    **making_android.SAMPLES,
    **making_packages.SAMPLES,
    **making_kernels.SAMPLES,
}
ALL = [(name, case) for name, cases in SAMPLES.items() for case in cases]
# The smallest of each, for what is done thousands of times.
SMALL = {name: min(cases.values(), key=len) for name, cases in SAMPLES.items()}
OTHERS = {
    "squashfs": image({"/etc/passwd": b"root"}),
    "text": b"hello " * 100,
    "zeros": bytes(4096),
    "erased": b"\xff" * 70_000,
    "nothing": b"",
}
