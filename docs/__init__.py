"""The documentation; `generate` writes the pages that are made from tables and checks."""
