"""What a right audit of the lab must say: every row of its ledger, derived from the switches and from what the lab knows of itself.

Independent of the checks' SQL: one module for each kind of place (services, captures, images, edge, hub, rig), each a table of rules.
"""
