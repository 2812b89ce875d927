"""Plumbline audits an entire IoT rig from the ground up, and shows what it proved."""

__version__ = "0.1.0"
