import pytest
import torch

from cpose.codecs.centerpose_codec import CenterPoseCodec
from cpose.codecs.detections import MISSING, match_corner_peaks

SIDE = 32
BOX = (8.0, 8.0, 24.0, 24.0)
BRANCHES = {'hm': 1, 'wh': 2, 'hps': 16, 'reg': 2, 'hm_hp': 8, 'hp_offset': 2, 'scale': 3}


def match(peaks, corner, box=BOX, score=0.9):
    """Match one displaced corner with peaks ((x, y), logit); every peak lies 0.25 further."""
    logits = torch.full((1, 1, SIDE, SIDE), -8.0)
    for (x, y), logit in peaks:
        logits[0, 0, y, x] = logit
    offset = torch.full((1, 2, SIDE, SIDE), 0.25)
    found = match_corner_peaks(
        logits,
        offset,
        torch.tensor(corner).view(1, 1, 1, 2),
        torch.tensor(box).view(1, 1, 4),
        torch.tensor([[score]]),
        num_peaks=100,
    )
    return [tuple(part.flatten().tolist()) for part in found]


@pytest.mark.parametrize(
    ('peaks', 'corner', 'snapped', 'heatmap_corner'),
    [
        ([((12, 14), 2.0)], (11.0, 13.0), (12.25, 14.25), (12.25, 14.25)),
        ([((12, 14), 2.0), ((20, 20), 5.0)], (11.0, 13.0), (12.25, 14.25), (12.25, 14.25)),
        ([((12, 14), -3.0)], (11.0, 13.0), (11.0, 13.0), (MISSING, MISSING)),
        ([((18, 14), 2.0)], (11.25, 14.25), (11.25, 14.25), (18.25, 14.25)),
        ([((23, 14), 2.0)], (11.0, 13.0), (11.0, 13.0), (MISSING, MISSING)),
        ([((25, 14), 2.0)], (23.0, 14.0), (23.0, 14.0), (25.25, 14.25)),
        ([], (11.0, 13.0), (11.0, 13.0), (MISSING, MISSING)),
    ],
    ids=['near', 'nearest', 'weak', '7 of 16 cells off', '12 of 16 cells off', 'beside', 'none'],
)
def test_one_corner(peaks, corner, snapped, heatmap_corner):
    assert match(peaks, corner) == [snapped, heatmap_corner]


def test_weak_detection_has_no_heatmap_corner():
    peaks, corner = [((12, 14), 2.0)], (11.0, 13.0)
    assert match(peaks, corner, score=0.05) == [(12.25, 14.25), (MISSING, MISSING)]


def random_maps(batch, generator):
    return [torch.randn(batch, channels, SIDE, SIDE, generator=generator) for channels in
            BRANCHES.values()]  # fmt: skip


@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning', 'ignore::FutureWarning')
def test_traced_decoder_takes_any_batch():
    def decode(*maps):
        return tuple(codec.decode(dict(zip(BRANCHES, maps, strict=True))).values())

    codec = CenterPoseCodec()
    generator = torch.Generator().manual_seed(0)
    traced = torch.jit.trace(decode, random_maps(2, generator), check_trace=False)
    maps = random_maps(3, generator)
    for actual, expected in zip(traced(*maps), decode(*maps), strict=True):
        torch.testing.assert_close(actual, expected)
