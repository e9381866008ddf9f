import numpy as np
import pytest
import torch

from cpose.codecs.centerpose_codec import CenterPoseCodec
from cpose.errors import ConfigError

from ...codecs.scenes import make_sample, perfect_maps, slanted_box
from ...head_parts import make_criterion
from ...user_errors import raises

MAP_HW = (32, 32)
TURN = [1, 0, 3, 2, 5, 4, 7, 6]


def two_candidates(center, size):
    corners = slanted_box(center, size)
    return np.stack([corners, corners[TURN]])


@pytest.fixture
def codec():
    return CenterPoseCodec()


def noise_maps(seed=0, requires_grad=False):
    generator = torch.Generator().manual_seed(seed)
    channels = {'hm': 1, 'wh': 2, 'hps': 16, 'reg': 2, 'hm_hp': 8, 'hp_offset': 2, 'scale': 3}
    return {
        name: (10 * torch.randn(2, count, *MAP_HW, generator=generator)).requires_grad_(
            requires_grad
        )
        for name, count in channels.items()
    }


def pair(codec, first_rows=(0, 1), second_rows=(0, 1)):
    """Two objects in one image, each with its candidates in the given order."""
    one, two = two_candidates((40, 50), (41, 37)), two_candidates((90, 80), (33, 45))
    return codec.encode([make_sample(np.stack([one[list(first_rows)], two[list(second_rows)]]))])


def test_each_object_finds_its_own_candidate(codec):
    mixed = CenterPoseCodec().encode([
        make_sample(np.stack([
            two_candidates((40, 50), (41, 37))[[0, 0]], two_candidates((90, 80), (33, 45))[[1, 1]],
        ]))
    ])  # fmt: skip
    maps = perfect_maps(codec, mixed, MAP_HW)
    targets = pair(codec)
    by_object = make_criterion()(maps, targets, codec)
    by_image = make_criterion(symmetry_assignment={'type': 'ImageSymmetryAssignment'})(
        maps, targets, codec
    )
    assert by_object['loss_hps'] < 1e-3
    assert by_image['loss_hps'] > 0.5


@pytest.mark.parametrize('choice', ['ObjectSymmetryAssignment', 'ImageSymmetryAssignment'])
def test_order_of_candidates_does_not_matter(codec, choice):
    maps = {name: value[:1] for name, value in noise_maps().items()}
    criterion = make_criterion(symmetry_assignment={'type': choice})
    straight = criterion(maps, pair(codec), codec)
    swapped = criterion(maps, pair(codec, (1, 0), (1, 0)), codec)
    for name, value in straight.items():
        assert swapped[name].item() == pytest.approx(value.item(), rel=1e-5)


def test_perfect_maps_cost_little(codec):
    targets = pair(codec, (0, 0), (0, 0))
    losses = make_criterion()(perfect_maps(codec, targets, MAP_HW), targets, codec)
    for name in ('loss_hps', 'loss_wh', 'loss_reg', 'loss_hp_offset', 'loss_scale'):
        assert losses[name] < 1e-3, name


@pytest.mark.parametrize('branch', ['hm', 'hm_hp', 'hps', 'wh', 'reg', 'hp_offset', 'scale'])
def test_switch_and_weight(codec, branch):
    maps = {name: value[:1] for name, value in noise_maps().items()}
    targets = pair(codec)
    full = make_criterion()
    weighted = {'type': 'MaskedL1Loss', 'loss_weight': 3 * full.weights[branch]}
    if branch.startswith('hm'):
        weighted['type'] = 'GaussianFocalLoss'
    selected = {'type': 'ImageSymmetryAssignment'}
    fixed = pair(codec, (0, 0), (0, 0))
    base = make_criterion(symmetry_assignment=selected)(maps, fixed, codec)
    tripled = make_criterion({branch: weighted}, selected)(maps, fixed, codec)
    assert tripled[f'loss_{branch}'].item() == pytest.approx(3 * base[f'loss_{branch}'].item())
    without = make_criterion({branch: None})(maps, targets, codec)
    assert set(base) - set(without) == {f'loss_{branch}'}


@pytest.mark.parametrize(
    ('branch', 'config'),
    [
        ('hm', {'type': 'HeatmapMSELoss'}),
        ('hps', {'type': 'DenseDisplacementLoss'}),
        ('scale', {'type': 'RelativeL1Loss'}),
    ],
)
def test_other_losses_have_gradients(codec, branch, config):
    maps = noise_maps(requires_grad=True)
    image = make_sample(np.stack([two_candidates((40, 50), (41, 37))]))
    targets = codec.encode([image, image])
    make_criterion({branch: config})(maps, targets, codec)[f'loss_{branch}'].backward()
    assert maps[branch].grad.abs().sum() > 0


def test_dense_displacement_of_perfect_field_is_zero(codec):
    targets = codec.encode([make_sample(two_candidates((60, 60), (60, 50))[None, :1])])
    index = targets['center_index'][0, 0, 0].item()
    y, x = torch.meshgrid(torch.arange(32), torch.arange(32), indexing='ij')
    shift = torch.stack([x - index % 32, y - index // 32]).repeat(8, 1, 1)
    field = targets['keypoint_displacement'][0, 0, 0][:, None, None] - shift
    loss = make_criterion({'hps': {'type': 'DenseDisplacementLoss'}}).terms['hps']
    assert loss(field[None].float(), targets).item() < 1e-5
    assert loss(field[None].float() + 1, targets).item() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ('branch', 'loss'),
    [
        ('wh', 'KLDUncertaintyLoss'),
        ('hm', 'MaskedL1Loss'),
        ('hm_hp', 'RelativeL1Loss'),
        ('scale', 'GaussianFocalLoss'),
        ('reg', 'HeatmapMSELoss'),
        ('wh', 'DenseDisplacementLoss'),
    ],
)
def test_losses_that_do_not_fit_are_refused(branch, loss):
    with raises(ConfigError, f"'{branch}'", argument='type', value=loss):
        make_criterion({branch: {'type': loss}})


@pytest.mark.parametrize('order', [(0, 1), (1, 0)])
def test_equal_costs_go_to_the_candidate_that_faces_the_camera(codec, order):
    corners = slanted_box((60, 60), (60, 50))
    both = np.stack([corners, corners[[4, 5, 6, 7, 0, 1, 2, 3]]])[list(order)]
    targets = codec.encode([make_sample(both[None])])
    choice = make_criterion().symmetry_assignment
    costs = torch.zeros(1, 2, 1)
    assert choice(targets, dict, lambda: costs).tolist() == [[order.index(0)]]
    costs[0, order.index(0)] = 4.0
    assert choice(targets, dict, lambda: costs).tolist() == [[order.index(1)]]


def test_losses_over_the_shipped_ones():
    terms = {'hps': {'loss_weight': 2}, 'wh': {'type': 'RelativeL1Loss'}, 'reg': None}
    criterion = make_criterion(terms)
    assert type(criterion.terms['hps']).__name__ == 'MaskedL1Loss'
    assert type(criterion.terms['wh']).__name__ == 'RelativeL1Loss'
    assert criterion.weights == {
        'hm': 1.0,
        'hm_hp': 1.0,
        'hps': 2,
        'wh': 0.1,
        'hp_offset': 1.0,
        'scale': 1.0,
    }


def test_order_of_the_first_release():
    """Sums of floats depend on it."""
    names = ['hm', 'hm_hp', 'hps', 'wh', 'reg', 'hp_offset', 'scale']
    assert list(make_criterion().terms) == names


@pytest.mark.parametrize('weight', [-1, 'abc', float('nan')])
def test_weights_are_numbers(weight):
    with raises(ConfigError, argument='loss_weight'):
        make_criterion({'hps': {'loss_weight': weight}})
