"""Whether the branch of the IoT Edge runtime that a deployment names still gets fixes, by the catalogue: the table edge_runtime.

Not what runs on the gateway: a deployment says what should run there. Rules: the version is that of the image's tag; a digest alone, or a
tag that is no version, names none. Edge agent and edge hub are released together, under the version of the runtime.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from plumbline.evidence.engine import Connection
from plumbline.updates.knowledge import Knowledge
from plumbline.updates.support import support_of

RUNTIME_NAMES = ("azure-iot-edge", "iotedge", "microsoft/azure-iot-edge", "microsoft/iot edge")  # as catalogues may call it
_TAG = re.compile(r"(?s)(?:.*/)?[^/:@]+:v?(\d+(?:\.\d+)+)(?:-[^@]*)?(?:@.*)?")


def runtimes(connection: Connection, knowledge: Knowledge) -> Iterator[dict[str, Any]]:
    """Give a row for each system module of each deployment."""
    product = next((found for name in RUNTIME_NAMES if (found := knowledge.resolve(name).product) is not None), None)
    if product is not None:
        knowledge.load([product])
    modules = connection.execute("select entity, subject, row_id, name, image from edge_module where system order by all").fetchall()
    for entity, subject, row_id, name, image in modules:
        version = version_of(image or "")
        support, ended = support_of(knowledge.known(product), version, knowledge.context) if product and version else (None, None)
        yield {
            "entity": entity,
            "subject": subject,
            "name": name,
            "image": image,
            "version": version,
            "product": product,
            "cycle": support.cycle if support is not None else None,
            "unsupported": ended,
            "support_ends_at": None if support is None else support.security_ends_at or support.ends_at,
            "sources": [row_id],
        }


def version_of(image: str) -> str | None:
    """Read the version in the tag of an image reference: 1.5.4 of mcr.microsoft.com/azureiotedge-agent:1.5.4-linux-arm32v7."""
    match = _TAG.fullmatch(image) if len(image) <= 500 else None
    return match[1] if match is not None else None
