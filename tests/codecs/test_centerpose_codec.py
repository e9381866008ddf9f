import numpy as np
import pytest
import torch

from cpose.codecs.centerpose_codec import CenterPoseCodec
from cpose.errors import ConfigError
from cpose.models.losses.center_pose_loss import CenterPoseLoss

from ..head_parts import make_branches
from ..user_errors import raises
from .scenes import make_sample, perfect_maps, slanted_box

MAP_HW = (32, 32)


def branch_of(codec, name):
    return next(branch for branch in codec.branches if branch.name == name)


def two_boxes():
    return np.stack([
        slanted_box((40.3, 50.7), (41, 37))[None],
        slanted_box((90.1, 84.4), (33, 45), (-0.3, 0.2))[None],
    ])  # fmt: skip


def test_round_trip():
    codec = CenterPoseCodec()
    boxes, dims = two_boxes(), np.array([[[1.5, 3.0, 0.6]], [[0.4, 0.8, 0.8]]])
    targets = codec.encode([make_sample(boxes, dims=dims)])
    decoded = codec.decode(perfect_maps(codec, targets, MAP_HW))
    order = np.argsort(decoded['bboxes'][0, :2, 0].numpy())
    for detection, corners, extents in zip(order, boxes[:, 0], dims[:, 0], strict=True):
        assert decoded['scores'][0, detection] > 0.99
        for name in ('kps', 'kps_displacement_mean', 'kps_heatmap_mean'):
            points = decoded[name][0, detection].view(8, 2).numpy() * codec.stride
            np.testing.assert_allclose(points, corners, atol=1e-3, err_msg=name)
        box = decoded['bboxes'][0, detection].numpy() * codec.stride
        np.testing.assert_allclose(box[:2], corners.min(axis=0), atol=1e-3)
        np.testing.assert_allclose(box[2:], corners.max(axis=0), atol=1e-3)
        scale = decoded['obj_scale'][0, detection].numpy()
        np.testing.assert_allclose(scale, extents / extents[1], rtol=1e-5)
    assert (decoded['scores'][0, 2:] < 0.1).all()


def test_classes_have_their_own_maps():
    codec = CenterPoseCodec(num_classes=3)
    targets = codec.encode([make_sample(two_boxes(), labels=[2, 0])])
    hm = codec.draw_heatmaps(targets, MAP_HW)['hm']
    assert hm.shape == (1, 1, 3, *MAP_HW)
    assert [(plane == 1).sum().item() for plane in hm[0, 0]] == [1, 0, 1]
    maps = perfect_maps(codec, targets, MAP_HW)
    classes = codec.decode(maps)['clses'][0, :2, 0]
    assert sorted(classes.tolist()) == [0.0, 2.0]


def test_category_without_a_heatmap_is_refused():
    fits, does_not = (make_sample(two_boxes(), labels=labels) for labels in ([0, 1], [0, 2]))
    codec = CenterPoseCodec(num_classes=2)
    codec.encode([fits])
    with raises(ConfigError, 'number 2', path='scene.png') as caught:
        codec.encode([fits, does_not])
    assert '2 centre heatmaps' in caught.value.problem
    assert 'num_classes' in caught.value.advice[0]


def test_more_than_ten_objects_have_targets():
    boxes = np.stack([[slanted_box((10 + 8 * n, 60), (12, 12))] for n in range(14)])
    mask = CenterPoseCodec().encode([make_sample(boxes)])['object_mask']
    assert mask.sum() == 14


def test_maps_of_padded_images_have_the_same_peaks():
    codec = CenterPoseCodec()
    samples = [make_sample(two_boxes(), input_wh=(128, 128))]
    padded_hw = (40, 44)
    plain, padded = codec.encode(samples), codec.encode(samples, heatmap_hw=padded_hw)
    for name in plain:
        assert name.endswith('_index') or torch.equal(plain[name], padded[name]), name
    small_maps, large_maps = (
        codec.draw_heatmaps(targets, hw) for targets, hw in ((plain, MAP_HW), (padded, padded_hw))
    )
    for name, small in small_maps.items():
        large = large_maps[name]
        assert torch.equal(large[..., :32, :32].eq(1), small.eq(1))
        assert large[..., 32:, :].eq(1).sum() == large[..., 32:].eq(1).sum() == 0


def test_padding_of_objects_and_candidates():
    codec = CenterPoseCodec()
    boxes = two_boxes()
    turned = np.stack([boxes[0, 0], boxes[0, 0][[1, 0, 3, 2, 5, 4, 7, 6]]])[None]
    targets = codec.encode([make_sample(boxes), make_sample(turned)])
    assert targets['object_mask'].tolist() == [
        [[True, True], [False, False]],
        [[True, False], [True, False]],
    ]
    first, second = targets['keypoint_displacement'][1, :, 0].view(2, 8, 2)
    assert torch.equal(first, second[[1, 0, 3, 2, 5, 4, 7, 6]])


def test_empty_images_have_no_targets():
    codec = CenterPoseCodec()
    targets = codec.encode([make_sample(np.zeros((0, 1, 8, 2)))])
    assert not targets['object_mask'].any()
    heatmaps = codec.draw_heatmaps(targets, MAP_HW)
    assert set(heatmaps) == {'hm', 'hm_hp'}
    assert all(value.sum() == 0 for value in heatmaps.values())


def test_truncated_object_keeps_displacements():
    box = slanted_box((5.0, 60.0), (60, 40))[None, None]
    ours = CenterPoseCodec().encode([make_sample(box)])
    assert ours['object_mask'].all()
    assert ours['keypoint_displacement_mask'].all()
    assert 0 < ours['keypoint_mask'].sum() < 8
    theirs = CenterPoseCodec(corner_rule={'type': 'TruncatedCorners'}).encode([make_sample(box)])
    assert theirs['keypoint_displacement_mask'].sum() == 2 * theirs['keypoint_mask'].sum()


def test_object_out_of_sight_is_rejected():
    box = slanted_box((-15.0, 60.0), (60, 40))[None, None]
    assert not CenterPoseCodec().encode([make_sample(box)])['object_mask'].any()


def test_projected_center():
    corners = slanted_box((60.0, 60.0), (40, 40))
    corners[0] += (-20, -12)  # the box is no longer symmetric about the projected centre
    box = corners[None, None]
    codec = CenterPoseCodec(center_rule={'type': 'ProjectedCenter'})
    targets = codec.encode([make_sample(box)])
    cell = torch.stack([targets['center_index'] % 32, targets['center_index'] // 32], -1)
    center = (cell + targets['center_offset'])[0, 0, 0].numpy() * 4
    np.testing.assert_allclose(center, corners.mean(axis=0), atol=1e-3)
    middle = CenterPoseCodec().encode([make_sample(box)])
    assert middle['center_index'] != targets['center_index']


@pytest.mark.parametrize(
    ('coder', 'target', 'prediction'),
    [
        ({'type': 'RelativeDims'}, [0.5, 1, 2], [0.5, 1, 2]),
        ({'type': 'AbsoluteDims'}, [0.2, 0.4, 0.8], [0.2, 0.4, 0.8]),
        ({'type': 'ResidualDims', 'reference': [0.5, 1, 2]}, [0.5, 1, 2], [0, 0, 0]),
    ],
)
def test_dims_coders(coder, target, prediction):
    codec = CenterPoseCodec(branches=make_branches(scale={'coder': coder}))
    sample = make_sample(two_boxes()[:1], dims=np.array([[[0.2, 0.4, 0.8]]]))
    assert codec.encode([sample])['dims'][0, 0, 0].tolist() == pytest.approx(target)
    decoded = branch_of(codec, 'scale').activate(torch.tensor(prediction, dtype=torch.float32))
    assert decoded.tolist() == pytest.approx(target)


REFERENCES = [[0.5, 1, 2], [3, 1, 0.25]]


def test_dims_relative_to_those_of_each_category():
    coder = {'coder': {'type': 'ResidualDims', 'reference': REFERENCES}}
    branches = make_branches(num_classes=2, scale=coder)
    codec = CenterPoseCodec(num_classes=2, branches=branches)
    labels = [1, 0]
    dims = np.array([[REFERENCES[label]] for label in labels])
    targets = codec.encode([make_sample(two_boxes(), dims=dims, labels=labels)])
    maps = perfect_maps(codec, targets, MAP_HW)
    maps['scale'] = torch.zeros_like(maps['scale'])
    decoded = codec.decode(maps)
    classes = decoded['clses'][0, :2, 0].long().tolist()
    assert sorted(classes) == [0, 1]
    assert decoded['obj_scale'][0, :2].tolist() == [REFERENCES[label] for label in classes]
    criterion = CenterPoseLoss(branches, {'type': 'ObjectSymmetryAssignment', 'facing_bonus': 0.3})
    assert criterion(maps, targets, codec)['loss_scale'].item() == pytest.approx(0, abs=1e-6)


def test_number_of_references_is_that_of_the_categories():
    with raises(ConfigError, '2 lists for 3', argument='coder.reference'):
        make_branches(
            num_classes=3, scale={'coder': {'type': 'ResidualDims', 'reference': REFERENCES}}
        )


def test_uncertainties_are_returned():
    codec = CenterPoseCodec(branches=make_branches({'hps': {'type': 'KLDUncertaintyLoss'}}))
    targets = codec.encode([make_sample(two_boxes())])
    maps = perfect_maps(codec, targets, MAP_HW)
    maps['hps_uncertainty'] = torch.full((1, 16, *MAP_HW), np.log(0.25))
    decoded = codec.decode(maps)
    assert decoded['kps_displacement_std'].shape == (1, 100, 16)
    assert decoded['kps_displacement_std'][0, 0, 0].item() == pytest.approx(0.5)


def test_sample_without_candidates_is_named():
    from dataclasses import replace

    with pytest.raises(ValueError, match=r'scene.png carries no candidates'):
        CenterPoseCodec().encode([replace(make_sample(two_boxes()), candidates=None)])


def test_bad_reference_is_named():
    for reference in ([1, 0, 1], [1, 1, float('inf')], [[1, 2, 3], [1, 2]], ['1', 2, 3], 1.0, None):
        with raises(ConfigError, argument='reference', value=reference):
            make_branches(scale={'coder': {'type': 'ResidualDims', 'reference': reference}})


def test_number_out_of_range():
    with raises(ConfigError, argument='num_select', value=0):
        CenterPoseCodec(num_select=0)
