import pytest
import torch
from torch import nn

from cpose.models.layers.aggregation import AggregationConv, AggregationStep, IterativeAggregation

PLAIN = {'type': 'PlainConv'}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_conv_normalises_and_clips():
    block = AggregationConv(2, 4, PLAIN).train()
    result = block(torch.randn(3, 2, 8, 8))
    assert (result >= 0).all()
    assert block.norm.num_batches_tracked == 1


def test_step_adds_the_fine_map_before_it_fuses():
    step = AggregationStep(4, 2, 2, PLAIN).eval()
    coarse, fine = torch.randn(1, 4, 3, 3), torch.randn(1, 2, 6, 6)
    expected = step.fuse(step.upsample(step.project(coarse)) + fine)
    assert torch.equal(step(coarse, fine), expected)
    assert not torch.equal(step(coarse, torch.zeros_like(fine)), expected)


def test_equal_strides_need_no_upsampling():
    assert isinstance(AggregationStep(4, 2, 1, PLAIN).upsample, nn.Identity)


def test_aggregation_merges_one_after_the_other():
    aggregation = IterativeAggregation((2, 3, 4), (1, 2, 4), 2, PLAIN).eval()
    maps = [torch.randn(1, 2, 8, 8), torch.randn(1, 3, 4, 4), torch.randn(1, 4, 2, 2)]
    merged = aggregation(maps)
    assert merged[0] is maps[0]
    assert torch.equal(merged[1], aggregation.steps[0](maps[1], maps[0]))
    assert torch.equal(merged[2], aggregation.steps[1](maps[2], merged[1]))


def test_other_output_channels_project_the_first_map():
    aggregation = IterativeAggregation((2, 3), (1, 2), 6, PLAIN).eval()
    merged = aggregation([torch.randn(1, 2, 4, 4), torch.randn(1, 3, 2, 2)])
    assert [tuple(level.shape) for level in merged] == [(1, 6, 4, 4), (1, 6, 4, 4)]
