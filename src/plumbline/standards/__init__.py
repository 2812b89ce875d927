"""Provisions of standards as data, and profiles that name sets of them. Judges nothing; imports only the model."""
