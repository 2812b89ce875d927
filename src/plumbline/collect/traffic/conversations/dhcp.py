"""DHCP: what a device calls itself and its class when it asks for an address, and which address it is given."""

from __future__ import annotations

from plumbline.collect.traffic.conversation import Conversation, Opening
from plumbline.collect.traffic.facts import CAPS, cut
from plumbline.model.errors import ProtocolError
from plumbline.model.words import Transport
from plumbline.protocols import dhcp


class Dhcp(Conversation):
    """Messages between a client, or a relay, and a server."""

    protocol = "dhcp"
    transports = frozenset({Transport.UDP})

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """A whole message, of the direction that it says (RFC 2131 2)."""
        return dhcp.decode(opening.client or opening.server).reply == (not opening.client)

    def from_client(self, data: bytes) -> None:
        """Note names by the client's MAC."""
        try:
            message = dhcp.decode(data)
        except ProtocolError:
            return  # one bad message says nothing of the next
        names = self.notes.names
        if message.mac is None or len(names.host_by_mac) + len(names.class_by_mac) + len(names.mac_by_address) > 2 * CAPS["station"]:
            return
        mac = bytes.fromhex(message.mac.replace(":", ""))
        if not message.reply:
            if message.host_name is not None:
                names.host_by_mac[mac] = cut(message.host_name)
            if message.vendor_class is not None:
                names.class_by_mac[mac] = cut(message.vendor_class)
            if message.client_address is not None:
                names.mac_by_address[message.client_address.packed] = mac
        elif message.type is dhcp.MessageType.ACK and message.your_address is not None:
            names.mac_by_address[message.your_address.packed] = mac

    def from_server(self, data: bytes) -> None:
        """Note which address goes with which MAC."""
        self.from_client(data)
