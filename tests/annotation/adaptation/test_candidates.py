from pathlib import Path

import pytest

from cpose.annotation.adaptation.candidates import (
    HALF_WAY,
    SIZES,
    TRAINED,
    Candidate,
    Judged,
    choose,
)


def judged(name, precision, iou=0.5):
    report = {'mAP_3DIoU': precision, 'mean_3DIoU': iou, 'num_images': 16}
    return Judged(Candidate(name, Path(f'{name}.pth')), report)


@pytest.mark.parametrize(
    ('trained', 'half_way', 'sizes', 'expected'),
    [
        (0.6, 0.5, 0.4, TRAINED),
        (0.6, 0.58, 0.4, HALF_WAY),
        (0.5, 0.6, 0.4, HALF_WAY),
        (0.5, 0.48, 0.6, SIZES),
    ],
)
def test_what_is_kept(trained, half_way, sizes, expected):
    found = choose([judged(TRAINED, trained), judged(HALF_WAY, half_way), judged(SIZES, sizes)])
    assert found.candidate.name == expected


def test_the_mean_overlap_decides_among_equals():
    found = choose([judged(TRAINED, 0.6, 0.4), judged(SIZES, 0.6, 0.6)])
    assert found.candidate.name == SIZES


def test_a_model_that_finds_something_is_better_than_one_that_finds_nothing():
    nothing, something = judged(TRAINED, 0.0, float('nan')), judged(SIZES, 0.0, 0.1)
    assert max(nothing, something, key=lambda item: item.rank) is something
