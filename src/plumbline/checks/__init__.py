"""The checks, as data, with what loads, proves and runs them. Judges evidence; collects none."""
