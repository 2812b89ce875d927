"""SNMP by pysnmp: version 3 always answers discovery; versions 1 and 2c only where the community public may read.

Without the community the agent drops their messages without a word, as agents do (RFC 3584, 5.2.1). A SetRequest is noted as harm: there is
nothing to write and nobody may, but a read-only audit would not ask.
"""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.proto.api import v2c
from pysnmp.smi.instrum import AbstractMibInstrumController

from plumbline.lab.fleet import Device
from plumbline.lab.servers.streams import Stop
from plumbline.lab.services import Snmp
from plumbline.lab.watch import Watch

SYS_DESCRIPTION = (1, 3, 6, 1, 2, 1, 1, 1, 0)  # RFC 3418
SYS_OBJECT_ID = (1, 3, 6, 1, 2, 1, 1, 2, 0)
_ENTERPRISE = (1, 3, 6, 1, 4, 1, 32473, 1)  # 32473: for documentation (RFC 5612)


async def start(device: Device, service: Snmp, watch: Watch) -> Stop:
    """Serve the agent."""
    engine = SnmpEngine(snmpEngineID=v2c.OctetString(service.engine_id))
    _forget(engine)
    transport = udp.UdpAsyncioTransport().open_server_mode((device.address, service.port))
    config.add_transport(engine, udp.DOMAIN_NAME, transport)
    # Without any user pysnmp drops what it should report as an unknown user (RFC 3414, 3.2.4).
    config.add_v3_user(engine, "operator", config.USM_AUTH_HMAC96_SHA, device.serial * 2, config.USM_PRIV_CFB128_AES, device.model * 2)
    if service.public:
        config.add_v1_system(engine, "reader", "public")
        for model in (1, 2):  # v1, v2c
            config.add_vacm_user(engine, model, "reader", "noAuthNoPriv", (1, 3, 6))
    contexts = context.SnmpContext(engine)
    contexts.unregister_context_name(b"")
    contexts.register_context_name(b"", _System(device, service, watch))
    for responder in (cmdrsp.GetCommandResponder, cmdrsp.NextCommandResponder, cmdrsp.SetCommandResponder):
        responder(engine, contexts)

    async def stop() -> None:
        engine.close_dispatcher()
        await asyncio.sleep(0)  # the timer that it cancels ends in the next turn of the loop

    return stop


def _forget(engine: SnmpEngine) -> None:
    """Remove the boot count that pysnmp keeps among the machine's temporary files: a lab leaves nothing, and starts the same each time."""
    folder = Path(gettempdir()) / "__pysnmp"
    shutil.rmtree(folder / engine.snmpEngineID.prettyPrint(), ignore_errors=True)
    with suppress(OSError):
        folder.rmdir()  # unless somebody else's is in it


class _System(AbstractMibInstrumController):
    """The two objects of the system group that an audit reads."""

    def __init__(self, device: Device, service: Snmp, watch: Watch) -> None:
        self._device, self._service, self._watch = device, service, watch
        self._objects = {
            SYS_DESCRIPTION: v2c.OctetString(service.description),
            SYS_OBJECT_ID: v2c.ObjectIdentifier(_ENTERPRISE),
        }

    def read_variables(self, *varbinds: Any, **_context: Any) -> list[Any]:
        """Answer GetRequest."""
        return [(name, self._objects.get(tuple(name), v2c.NoSuchObject())) for name, _ in varbinds]

    def read_next_variables(self, *varbinds: Any, **_context: Any) -> list[Any]:
        """Answer GetNextRequest."""
        found = []
        for name, _ in varbinds:
            after = next((known for known in sorted(self._objects) if known > tuple(name)), None)
            found.append((v2c.ObjectIdentifier(after), self._objects[after]) if after else (name, v2c.EndOfMibView()))
        return found

    def write_variables(self, *varbinds: Any, **_context: Any) -> list[Any]:
        """Refuse SetRequest."""
        self._watch.harm(self._device.name, f"SetRequest on udp/{self._service.port}")
        return [(name, v2c.NoSuchObject()) for name, _ in varbinds]
