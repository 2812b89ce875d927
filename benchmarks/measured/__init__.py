"""How the benchmarks measure; not what."""
