import pytest
import torch

from cpose.models.layers.aggregation import LearnedUpsample, bilinear_kernel


@pytest.mark.parametrize(
    ('factor', 'profile'),
    [
        (2, [0.25, 0.75, 0.75, 0.25]),
        (4, [0.125, 0.375, 0.625, 0.875, 0.875, 0.625, 0.375, 0.125]),
    ],
)
def test_kernel_is_a_triangle(factor, profile):
    profile = torch.tensor(profile)
    assert torch.equal(bilinear_kernel(factor), profile[:, None] * profile[None, :])


@pytest.mark.parametrize('factor', [2, 4, 8])
def test_starts_as_bilinear_interpolation(factor):
    feature = torch.randn(2, 3, 5, 6, generator=torch.Generator().manual_seed(0))
    upsampled = LearnedUpsample(3, factor)(feature)
    expected = torch.nn.functional.interpolate(
        feature, scale_factor=factor, mode='bilinear', align_corners=False
    )
    assert upsampled.shape == (2, 3, 5 * factor, 6 * factor)
    inner = slice(factor, -factor)  # the edges differ: outside is zero here, not the nearest cell
    assert torch.allclose(upsampled[..., inner, inner], expected[..., inner, inner], atol=1e-6)


def test_channels_do_not_mix():
    feature = torch.zeros(1, 2, 4, 4)
    feature[0, 1] = 1
    upsampled = LearnedUpsample(2, 2)(feature)
    assert (upsampled[0, 0] == 0).all()
    assert (upsampled[0, 1] > 0).all()
