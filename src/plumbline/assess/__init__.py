"""Checks against evidence: the ledger, its digest, and the assessment that people and reports read. Collects nothing."""
