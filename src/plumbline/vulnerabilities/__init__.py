"""Vulnerabilities: feeds read into reference data, and components matched against them.

Not where reference data is kept (`evidence.reference`), and not the verdict on a match (`checks`). Only `fetching` opens a connection, for
`plumbline feeds sync` alone: nothing here needs a network at audit time (law 9).
"""
