"""Modbus/TCP: named by the form of its first messages, which has no magic number. Modbus has no logins."""

from __future__ import annotations

from plumbline.collect.traffic.conversation import Conversation, Opening
from plumbline.model.words import Transport
from plumbline.protocols.modbus import FunctionKind, ModbusDecoder, Side, function_kind

_PORT = 502
_FIXED = frozenset({1, 2, 3, 4, 5, 6})  # requests of these are an address and a number of two bytes each (AP 6.1 to 6.6)


class Modbus(Conversation):
    """One connection; known once, it is not read further."""

    protocol = "modbus"
    transports = frozenset({Transport.TCP})
    uncertain = True

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """A request of a known function whose length is right, or with an answer that agrees; on its own port, any whole request."""
        request, answer = opening.client, opening.server
        if len(request) < 8:
            return _answers(answer) and opening.server_port == _PORT
        if not ModbusDecoder(Side.CLIENT).feed(request):
            return False
        function, length = request[7], int.from_bytes(request[4:6], "big")
        if opening.server_port == _PORT or (function in _FIXED and length == 6):
            return True
        if function_kind(function) is FunctionKind.OTHER:
            return False
        return answer[:4] == request[:4] and len(answer) >= 8 and answer[7] & 0x7F == function

    def from_client(self, data: bytes) -> None:
        """Any message will do: it is known, and there are no logins in it."""
        self.done = bool(data)

    def from_server(self, data: bytes) -> None:
        """Any message will do: it is known, and there are no logins in it."""
        self.done = bool(data)


def _answers(answer: bytes) -> bool:
    return len(answer) >= 9 and bool(ModbusDecoder(Side.SERVER).feed(answer))
