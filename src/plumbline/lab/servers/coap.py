"""CoAP by aiocoap (RFC 7252) without security: /.well-known/core, and resources that answer, or that ask for what only DTLS could give.

Methods that change anything are noted as harm and answered 4.05.
"""

from __future__ import annotations

import aiocoap
from aiocoap import resource

from plumbline.lab.fleet import Device
from plumbline.lab.servers.streams import Stop
from plumbline.lab.services import Coap
from plumbline.lab.watch import Watch

_VALUES = {"temperature": b"3.8", "humidity": b"61", "info": b"node"}


async def start(device: Device, service: Coap, watch: Watch) -> Stop:
    """Serve the resources."""
    site = resource.Site()
    site.add_resource([".well-known", "core"], resource.WKCResource(site.get_resources_as_linkheader, impl_info=None))
    for path in service.resources:
        site.add_resource(path.strip("/").split("/"), _Reading(device, service, watch, path))
    # The transport for one fixed address: the usual one wants IPv6, which a lab cannot count on.
    context = await aiocoap.Context.create_server_context(
        site, bind=(device.address, service.port), transports=["simplesocketserver"], loggername="plumbline.lab.coap"
    )

    async def stop() -> None:
        await context.shutdown()

    return stop


class _Reading(resource.Resource):
    """One value of the node."""

    def __init__(self, device: Device, service: Coap, watch: Watch, path: str) -> None:
        super().__init__()
        self.rt = path.rpartition("/")[2]
        self._device, self._service, self._watch = device, service, watch

    async def render_get(self, _request: aiocoap.Message) -> aiocoap.Message:
        if not self._service.readable:
            return aiocoap.Message(code=aiocoap.UNAUTHORIZED)
        return aiocoap.Message(payload=_VALUES.get(self.rt, b"0"), content_format=0)

    async def render_put(self, request: aiocoap.Message) -> aiocoap.Message:
        self._watch.harm(self._device.name, f"{request.code} on udp/{self._service.port}")
        return aiocoap.Message(code=aiocoap.METHOD_NOT_ALLOWED)

    render_post = render_delete = render_put
