import numpy as np

from cpose.evaluation.matched_pairs import gather_pairs
from cpose.evaluation.protocols.scale_rules import AbsoluteScale


def test_lengths_stay(new_scene, new_record):
    record = new_record(new_scene().add_object((1, 1, 1)).add_prediction((1, 1, 1)))
    pairs = gather_pairs([record], np.array([[0, 0, 0]] * 3))
    assert AbsoluteScale().factors(pairs).tolist() == [1, 1, 1]
