import numpy as np
import pytest
import torch

from cpose.codecs.detections import MISSING
from cpose.errors import ConfigError
from cpose.structures.pose_data_sample import PoseDataSample

from .. import head_parts
from ..codecs.scenes import make_sample, perfect_maps, slanted_box
from ..user_errors import raises

FEATURE = torch.randn(2, 32, 16, 16, generator=torch.Generator().manual_seed(0))


def make_head(losses=None, **changes):
    """Return a head with other losses by branch, and further changes."""
    torch.manual_seed(0)
    branches = {name: {'loss': loss} for name, loss in (losses or {}).items()}
    given = {'stride': 8, 'head_conv': 32, 'branches': branches, **changes}
    return head_parts.make_head(32, **given)


def samples():
    box = slanted_box((60, 60), (60, 50))[None, None]
    return [make_sample(box), make_sample(box + 10)]


def test_maps_loss_and_prediction_have_their_shapes():
    head = make_head(num_classes=2).eval()
    maps = head(FEATURE)
    assert {name: value.shape[1] for name, value in maps.items()} == {
        'hm': 2, 'wh': 2, 'hps': 16, 'reg': 2, 'hm_hp': 8, 'hp_offset': 2, 'scale': 3,
    }  # fmt: skip
    losses = head.loss(FEATURE, samples())
    assert set(losses) == {f'loss_{name}' for name in maps}
    assert all(torch.isfinite(value) for value in losses.values())
    results = head.predict(FEATURE, samples())
    assert [result.image_path for result in results] == ['scene.png'] * 2


def test_uncertainty_branches_follow_the_loss():
    loss = {'type': 'KLDUncertaintyLoss'}
    head = make_head({'hps': loss, 'scale': loss})
    maps = head(FEATURE)
    assert maps['hps_uncertainty'].shape[1] == 16
    assert maps['scale_uncertainty'].shape[1] == 3
    sum(head.loss(FEATURE, samples()).values()).backward()
    gradients = [p.grad for n, p in head.named_parameters() if 'hps_uncertainty' in n]
    assert gradients
    assert all(grad.abs().sum() > 0 for grad in gradients)


@pytest.mark.parametrize('branch', ['hm', 'wh', 'reg', 'hm_hp', 'hp_offset', 'hps', 'scale'])
def test_all_that_is_trained_has_gradients_without_a_term(branch):
    head = make_head({branch: None})
    sum(head.loss(FEATURE, samples()).values()).backward()
    for name, parameter in head.named_parameters():
        assert (parameter.grad is not None) is (f'.{branch}.' not in name), name
        assert parameter.requires_grad is (parameter.grad is not None), name


def test_corner_heatmaps_without_a_term_have_no_peaks():
    head = make_head({'hm_hp': None}).eval()
    weights = head.state_dict()
    assert set(weights) == set(make_head().state_dict())
    weights = {name: torch.randn_like(value) for name, value in weights.items()}
    for _ in range(2):
        decoded = head.codec.decode(head(FEATURE))
        assert (decoded['kps_heatmap_mean'] == MISSING).all()
        assert torch.equal(decoded['kps'], decoded['kps_displacement_mean'])
        head.load_state_dict(weights)


def test_stride_and_branches_reach_codec_and_postprocessor():
    head = make_head()
    assert head.codec.stride == head.postprocessor.stride == 8
    assert head.codec.branches == head.postprocessor.branches != ()


def test_targets_lie_where_the_maps_of_padded_images_have_them():
    head, padded_hw = make_head(), (18, 20)
    targets = head.codec.encode(samples(), heatmap_hw=padded_hw)
    maps = perfect_maps(head.codec, targets, padded_hw)
    head.forward = lambda feature: maps
    losses = head.loss(FEATURE, samples())
    for name in ('loss_hps', 'loss_wh', 'loss_reg', 'loss_hp_offset', 'loss_scale'):
        assert losses[name] < 1e-3, name


def test_branches_of_one_name_are_refused():
    other = {'type': 'BoxSizeBranch', 'loss': {'type': 'MaskedL1Loss'}}
    with raises(ConfigError, "'bboxes'", argument='branches') as caught:
        make_head(branches={'other': other})
    assert "'wh' and 'other'" in caught.value.problem


def test_needed_branch_is_missing():
    with raises(ConfigError, argument='branches.hp_offset') as caught:
        make_head(branches={'hp_offset': None})
    assert 'loss=None' in caught.value.advice[0]


@pytest.mark.parametrize(
    ('options', 'argument', 'value', 'problem'),
    [
        ({'codec': {'stride': 8}}, 'codec.stride', 8, '4'),
        ({'postprocessor': {'stride': 8}}, 'postprocessor.stride', 8, '4'),
        ({'num_classes': 0}, 'num_classes', 0, ''),
        ({'head_conv': 0}, 'head_conv', 0, ''),
    ],
)
def test_values_that_do_not_fit(options, argument, value, problem):
    with raises(ConfigError, problem, argument=argument, value=value):
        head_parts.make_head(8, **options)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_targets_and_loss_stay_in_full_precision(dtype):
    head = make_head()
    with torch.autocast('cpu', dtype=dtype):
        losses = head.loss(FEATURE, samples())
    assert all(value.dtype == torch.float32 for value in losses.values())


def test_results_carry_camera_and_distortion():
    distortion = np.array([0.1, 0, 0, 0, 0])
    sample = PoseDataSample(
        'a.png', (128, 128), (128, 128), np.eye(2, 3), np.eye(3), distortion=distortion
    )
    head = make_head().eval()
    result = head.predict(FEATURE[:1], [sample])[0]
    assert result.intrinsics is sample.intrinsics
    assert result.distortion is distortion
