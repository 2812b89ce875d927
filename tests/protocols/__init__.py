"""Codecs: clause-cited vectors, byte at a time, truncation, fuzz."""
