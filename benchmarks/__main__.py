"""`python -m benchmarks [NAME [options]]`: run all or one, print the figures, and write them to bench-out/<name>.json."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.benchmark import Benchmark, Figure, Unmeasurable, load


def main(words: list[str]) -> int:
    """Run what the words ask for; 0 when every goal was reached, 1 when one was missed, 3 when something could not be measured."""
    known = load()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("bench-out"), help="where the JSON goes")
    names = parser.add_subparsers(dest="name", metavar="NAME")
    for name, benchmark in known.items():
        benchmark.arguments(names.add_parser(name, help=benchmark.about, description=benchmark.about))
    given = parser.parse_args(words)
    wanted = [given] if given.name else [parser.parse_args(["--out", str(given.out), name]) for name in known]
    return max(_run(known[options.name], options) for options in wanted)


def _run(benchmark: Benchmark, options: argparse.Namespace) -> int:
    print(f"\n== {options.name}: {benchmark.about}", flush=True)
    try:
        result = benchmark.measure(options)
    except Unmeasurable as why:
        print(f"not measured: {why}")
        return 3
    for figure in result.figures:
        print(_line(figure))
    for key, value in result.about.items():
        print(f"  {key}: {value}")
    options.out.mkdir(parents=True, exist_ok=True)
    document = {"benchmark": options.name, "python": platform.python_version(), **asdict(result)}
    (options.out / f"{options.name}.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return int(any(figure.reached is False for figure in result.figures))


def _line(figure: Figure) -> str:
    parts = [f"  {figure.name:<44} {figure.ours:>10.4g} {figure.unit:<4}"]
    if figure.peer is not None:
        parts.append(f"peer {figure.peer:>10.4g} {figure.unit:<4}")
    if figure.ratio is not None:
        parts.append(f"ratio {figure.ratio:>7.2f}")
    if figure.goal:
        parts.append(f"goal: {figure.goal} {'reached' if figure.reached else 'MISSED'}")
    return "  ".join(parts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
