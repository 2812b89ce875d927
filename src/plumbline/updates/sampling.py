"""What a sample says of all: exact bounds of the hypergeometric distribution; pure.

Of `size` devices `drawn` were drawn at random without putting any back, and `failed` of those failed. How many of all fail?

    at_most     the largest number of failing devices under which as few failures as were seen, or fewer, are not too improbable
    at_least    the smallest under which as many, or more, are not too improbable

Too improbable is at most 1 - confidence, on that one side. Source: Clopper and Pearson's construction, for the hypergeometric distribution
(Buonaccorsi 1987). Rules: whole numbers up to EXACT_MAX drawn; above, logarithms of the gamma function, whose error widens the bound and
never narrows it. A bound holds only for a sample that was drawn at random, which the caller knows.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb, exp, lgamma

CONFIDENCE = Fraction(95, 100)
EXACT_MAX = 1_000
_MARGIN = 1e-6  # relative error of a probability by lgamma is below it up to a thousand million devices


def tail_below(failed: int, size: int, failing: int, drawn: int) -> Fraction:
    """Give the probability that at most `failed` of `drawn` fail, when `failing` of `size` do."""
    first = max(0, drawn - (size - failing))
    ways, term = 0, comb(failing, first) * comb(size - failing, drawn - first)
    for seen in range(first, min(failed, drawn, failing) + 1):
        ways += term
        term = term * (failing - seen) * (drawn - seen) // ((seen + 1) * (size - failing - drawn + seen + 1))
    return Fraction(ways, comb(size, drawn))


def at_most(failed: int, size: int, drawn: int, confidence: Fraction = CONFIDENCE) -> int:
    """Give the upper bound; raises ValueError for numbers that cannot be those of a sample."""
    if not 0 <= failed <= drawn <= size:
        raise ValueError(f"{failed} failed of {drawn} drawn of {size}: no sample is like that")
    # The probability falls as more fail, so the last number that is not too improbable is found by halving.
    low, high = failed, size - (drawn - failed)
    while low < high:
        middle = (low + high + 1) // 2
        if _probable(failed, size, middle, drawn, 1 - confidence):
            low = middle
        else:
            high = middle - 1
    return low


def at_least(failed: int, size: int, drawn: int, confidence: Fraction = CONFIDENCE) -> int:
    """Give the lower bound: what may at most pass passes; raises ValueError as `at_most` does."""
    return size - at_most(drawn - failed, size, drawn, confidence)


def _probable(failed: int, size: int, failing: int, drawn: int, least: Fraction) -> bool:
    """Tell whether at most `failed` fail with a probability above `least`."""
    if drawn <= EXACT_MAX:
        return tail_below(failed, size, failing, drawn) > least
    mode = (drawn + 1) * (failing + 1) // (size + 2)
    if failed > mode:  # the median is no further than one from the mode
        return True
    wanted, found = float(least) * (1 - _MARGIN), 0.0
    for seen in range(min(failed, failing), max(0, drawn - (size - failing)) - 1, -1):
        term = exp(_log_comb(failing, seen) + _log_comb(size - failing, drawn - seen) - _log_comb(size, drawn))
        found += term
        if found > wanted or term < 1e-18:
            break
    return found > wanted


def _log_comb(whole: int, part: int) -> float:
    return lgamma(whole + 1) - lgamma(part + 1) - lgamma(whole - part + 1)
