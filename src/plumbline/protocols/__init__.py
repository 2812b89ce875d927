"""Sans-I/O codecs, one per protocol: bytes to events and back. A codec knows no socket, clock or file, and imports only the model."""
