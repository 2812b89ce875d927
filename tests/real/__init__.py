"""Codecs and probes against servers that other people wrote, on loopback."""
