"""Benchmarks: each module here measures one goal side by side with a peer in the same run, and prints the ratio.

`python -m benchmarks [NAME]` runs one or all of them. Figures of another machine or another day are not compared with: only ratios are.
"""
