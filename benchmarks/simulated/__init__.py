"""Simulated sites for the benchmarks: what stands where, who serves it, and the network namespace that it lives in."""
