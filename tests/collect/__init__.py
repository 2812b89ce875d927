"""Collectors: what they write for good, odd and hostile sources."""
