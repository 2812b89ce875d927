"""Tests of the standards and profiles."""
