"""The tests mirror `src/plumbline`."""
