"""Importers: one module for each source of facts about products, found by its place.

A module `<id>.py` here holds a class `Reader`. Adding a source means adding a file and touching no list. Rules: an importer reads data and
runs none of it; it knows no socket, clock or file; a record that it does not take is an `Unread` with a reason, never silence.
"""
