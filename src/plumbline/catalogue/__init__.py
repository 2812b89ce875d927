"""The device catalogue: what the world knows of products, their releases and their support, with the source and date of every fact.

Imported from files beforehand (law 9) into the store of `evidence.reference`. Not what a rig holds (evidence), and not whether a device
is up to date (`updates`).
"""
