import numpy as np
import pytest

from cpose.datasets.synthetic.chance import WeightedChoice, log_uniform

WEIGHTS = {'often': 0.6, 'sometimes': 0.3, 'rarely': 0.1}


def test_choice_draws_what_numpy_draws():
    choice = WeightedChoice(WEIGHTS)
    rng, expected = np.random.default_rng(3), np.random.default_rng(3)
    for _ in range(300):
        drawn = expected.choice(list(WEIGHTS), p=list(WEIGHTS.values()))
        assert choice.sample(rng) == drawn


def test_last_item_is_drawn_beyond_the_rounded_sum():
    class Highest:
        def random(self):
            return 1.0

    assert WeightedChoice(dict.fromkeys('abcdefghij', 0.1)).sample(Highest()) == 'j'


def test_probabilities_that_do_not_add_up_are_refused():
    with pytest.raises(ValueError, match='do not add up'):
        WeightedChoice({'a': 0.5, 'b': 0.4})


def test_log_uniform_has_as_many_below_as_above_the_geometric_mean():
    rng = np.random.default_rng(0)
    numbers = np.array([log_uniform(rng, 0.1, 10.0) for _ in range(2000)])
    assert 0.1 <= numbers.min() < 0.12
    assert 8.0 < numbers.max() <= 10.0
    assert abs((numbers < 1).mean() - 0.5) < 0.05
