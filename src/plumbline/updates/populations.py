"""What the examined devices of a model say of all that there are: one row of `population_bound` for each [[population]].

    seen        devices of the model among those that were declared or seen: the sample
    failed      those of them of which something is known that has to be mended
    passed      those that run the newest release

Rules: a device of which nothing could be told counts as failed for the upper bound and as passed for the lower one, since whoever cannot be
examined is not a random part of those that were drawn. Without the customer's word that the sample was drawn at random, only what was
seen bounds the rest, and that needs no confidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from plumbline.updates.currency import Currency
from plumbline.updates.judging import State
from plumbline.updates.knowledge import Knowledge
from plumbline.updates.sampling import CONFIDENCE, at_least, at_most

CERTAIN = 100


@dataclass(frozen=True, slots=True)
class Population:
    """One row of the table `population`."""

    entity: str
    model: str
    size: int
    random: bool
    row_id: str


@dataclass(frozen=True, slots=True)
class Bound:
    """How many of a population are out of date, at least and at most, at a confidence in percent; None: more were seen than there are."""

    size: int
    seen: int
    examined: int
    failed: int
    at_least: int | None
    at_most: int | None
    confidence_percent: int | None

    @property
    def words(self) -> str:
        """The bound in a sentence."""
        drawn = f"{self.failed} of {self.seen} seen of {self.size} are out of date"
        unknown = self.seen - self.examined
        said = f"{drawn}, and {unknown} could not be judged" if unknown else drawn
        if self.at_most is None or self.at_least is None:
            return f"{said}: there are more of them than the rig file says"
        percent = -(-100 * self.at_most // self.size)
        if self.confidence_percent == CERTAIN:
            rest = self.size - self.seen
            return f"{said}: {f'nothing is known of the other {rest}' if rest else 'all were seen'}"
        more = f" and at least {self.at_least} are" if self.at_least > self.failed else ""
        return f"{said}: up to {percent} % could be{more}, at {self.confidence_percent} %, if they were drawn at random"


def bound(population: Population, states: Sequence[State]) -> Bound:
    """Bound a population by the states of its devices that were seen."""
    size, seen = population.size, len(states)
    failed = sum(state.bad for state in states)
    unknown = sum(state is State.UNKNOWN for state in states)
    counts = (size, seen, seen - unknown, failed)
    if seen > size:
        return Bound(*counts, None, None, None)
    if not population.random or seen in (0, size):
        return Bound(*counts, failed, size - (seen - unknown - failed), CERTAIN)
    return Bound(*counts, at_least(failed, size, seen), at_most(failed + unknown, size, seen), int(100 * CONFIDENCE))


def row(population: Population, judged: Sequence[Currency], knowledge: Knowledge) -> dict[str, Any]:
    """Give the columns of the table `population_bound`."""
    product = knowledge.resolve(population.model).product
    states = [one.judgement.state for one in judged if _is_one(one, population.model, product)]
    found = bound(population, states)
    return {
        "entity": population.entity,
        "subject": f"model/{population.model}",
        "model": population.model,
        "size": found.size,
        "random": population.random,
        "seen": found.seen,
        "examined": found.examined,
        "failed": found.failed,
        "confidence_percent": found.confidence_percent,
        "at_least": found.at_least,
        "at_most": found.at_most,
        "words": f"{population.model}: {found.words}",
        "sources": [population.row_id],
    }


def _is_one(one: Currency, model: str, product: str | None) -> bool:
    """Tell whether a device is of the population's model: by its product, or as its model is written."""
    named = (one.identified.model or "").lower() == model.lower()
    return named or (product is not None and one.identified.product == product)
