import numpy as np
import pytest
import torch

from cpose.codecs.corner_matching import MISSING
from cpose.errors import ConfigError
from cpose.models.heads.centerpose_head import CenterPoseHead
from cpose.structures.pose_data_sample import PoseDataSample

from ...codecs.scenes import make_sample, perfect_maps, slanted_box

FEATURE = torch.randn(2, 32, 16, 16, generator=torch.Generator().manual_seed(0))


def make_head(**changes):
    torch.manual_seed(0)
    return CenterPoseHead(32, stride=8, head_conv=32, **changes)


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
    criterion = {
        'type': 'CenterPoseLoss',
        'terms': {'hps': {'type': 'KLDUncertaintyLoss'}, 'scale': {'type': 'KLDUncertaintyLoss'}},
    }
    head = make_head(criterion=criterion)
    maps = head(FEATURE)
    assert maps['hps_uncertainty'].shape[1] == 16
    assert maps['scale_uncertainty'].shape[1] == 3
    sum(head.loss(FEATURE, samples()).values()).backward()
    gradients = [p.grad for n, p in head.named_parameters() if 'hps_uncertainty' in n]
    assert gradients
    assert all(grad.abs().sum() > 0 for grad in gradients)


@pytest.mark.parametrize('branch', ['hm', 'wh', 'reg', 'hm_hp', 'hp_offset', 'hps', 'scale'])
def test_all_that_is_trained_has_gradients_without_a_term(branch):
    head = make_head(criterion={'type': 'CenterPoseLoss', 'terms': {branch: None}})
    sum(head.loss(FEATURE, samples()).values()).backward()
    for name, parameter in head.named_parameters():
        assert (parameter.grad is not None) is (f'.{branch}.' not in name), name
        assert parameter.requires_grad is (parameter.grad is not None), name


def test_corner_heatmaps_without_a_term_have_no_peaks():
    head = make_head(criterion={'type': 'CenterPoseLoss', 'terms': {'hm_hp': None}}).eval()
    weights = head.state_dict()
    assert set(weights) == set(make_head().state_dict())
    weights = {name: torch.randn_like(value) for name, value in weights.items()}
    for _ in range(2):
        decoded = head.codec.decode(head(FEATURE))
        assert (decoded['kps_heatmap_mean'] == MISSING).all()
        assert torch.equal(decoded['kps'], decoded['kps_displacement_mean'])
        head.load_state_dict(weights)


def test_stride_reaches_codec_and_recovery():
    head = make_head()
    assert head.codec.stride == head.recovery.stride == 8


def test_targets_lie_where_the_maps_of_padded_images_have_them():
    head, padded_hw = make_head(), (18, 20)
    targets = head.codec.encode(samples(), heatmap_hw=padded_hw)
    maps = perfect_maps(head.codec, targets, padded_hw)
    head.forward = lambda feature: maps
    losses = head.loss(FEATURE, samples())
    for name in ('loss_hps', 'loss_wh', 'loss_reg', 'loss_hp_offset', 'loss_scale'):
        assert losses[name] < 1e-3, name


def test_parts_are_filled_up_from_their_defaults():
    head = make_head(
        codec={'center_rule': {'type': 'ProjectedCenter'}},
        criterion={'terms': {'hm_hp': None}},
        recovery={'dims_fit': {'type': 'ReprojectedDims'}},
    )
    assert type(head.codec.center_rule).__name__ == 'ProjectedCenter'
    assert 'hm_hp' not in head.criterion.terms
    assert 'hps' in head.criterion.terms
    assert type(head.recovery.dims_fit).__name__ == 'ReprojectedDims'
    assert head.recovery.score_thr == 0.05


@pytest.mark.parametrize(
    ('options', 'says'),
    [
        ({'codec': {'stride': 8}}, r'model\.head\.codec\.stride=8 in the config, but .* 4'),
        ({'recovery': {'stride': 8}}, r'model\.head\.recovery\.stride=8 in the config, but .* 4'),
        ({'num_classes': 0}, r'config key model\.head\.num_classes'),
        ({'head_conv': 0}, r'config key model\.head\.head_conv'),
    ],
)
def test_values_that_do_not_fit(options, says):
    with pytest.raises(ConfigError, match=says):
        CenterPoseHead(in_channels=8, **options)


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
