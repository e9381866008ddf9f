"""Draws of random numbers that the scenes and pictures are made of."""

from bisect import bisect
from collections.abc import Mapping
from itertools import accumulate
from math import exp, log
from typing import Generic, TypeVar

import numpy as np

Item = TypeVar('Item')


class WeightedChoice(Generic[Item]):
    """Items with a probability each.

    ``numpy.random.Generator.choice`` draws the same from the same state, but checks the weights
    anew every time.

    Args:
        weights: Items and their probabilities, which add up to 1.

    Raises:
        ValueError: If the probabilities do not add up to 1.
    """

    def __init__(self, weights: Mapping[Item, float]) -> None:
        self.items = tuple(weights)
        self._limits = list(accumulate(weights.values()))
        if abs(self._limits[-1] - 1) > 1e-9:
            raise ValueError(f'The probabilities {dict(weights)} do not add up to 1.')

    def sample(self, rng: np.random.Generator) -> Item:
        """Return one of the items."""
        return self.items[min(bisect(self._limits, rng.random()), len(self.items) - 1)]


def log_uniform(rng: np.random.Generator, least: float, most: float) -> float:
    """Return a number whose logarithm is uniform."""
    return exp(rng.uniform(log(least), log(most)))
