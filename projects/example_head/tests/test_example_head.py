"""One more quantity from the annotation to reports and model files, with no edit in cpose."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from cpose.apis.builder import build_model
from cpose.apis.config.check import check_config
from cpose.apis.config.load import load_config
from cpose.cli.main import main
from cpose.geometry.affine import apply_affine
from cpose.geometry.projection import project_points
from cpose.registry import DATASETS, METRICS
from cpose.structures.camera import cv_from_gl, gl_from_cv
from cpose.structures.cuboid import cuboid_keypoints
from cpose.structures.object_pose import ObjectPose, PoseResult

PROJECT = Path(__file__).parents[1]
CONFIG = PROJECT / 'configs' / 'dla34_cup_handle.py'
SIDE = 64
CAMERA = {'fx': 90.0, 'fy': 90.0, 'cx': 32.0, 'cy': 32.0}
MATRIX = np.array([[90.0, 0, 32], [0, 90, 32], [0, 0, 1]])
ANGLES = (20.0, 160.0, -70.0, None)
"""Annotated directions; the last cup has none."""


@pytest.fixture(autouse=True)
def _own_modules(monkeypatch):
    """Let the project be found from any test order, and leave no trace on the import path."""
    monkeypatch.setattr(sys, 'path', [*sys.path])


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Pictures of a cup as a disc with a bar for its handle, annotated."""
    made = tmp_path_factory.mktemp('cups')
    for number, angle in enumerate(ANGLES):
        write_cup(made / f'cup_{number}', angle)
    return made


def write_cup(stem, angle):
    keypoints_cv = cuboid_keypoints(np.array([0.3, 0.4, 0.3])) + np.array([0.03, -0.02, 1.1])
    points = project_points(keypoints_cv, MATRIX)
    image = np.full((SIDE, SIDE, 3), 60, dtype=np.uint8)
    center = points[0]
    tip = center + 20 * np.array([np.cos(np.radians(angle or 0)), np.sin(np.radians(angle or 0))])
    if angle is not None:
        cv2.line(image, tuple(map(int, center)), tuple(map(int, tip)), (40, 40, 230), 5)
    cv2.circle(image, tuple(map(int, center)), 10, (230, 200, 90), -1)
    cv2.imwrite(f'{stem}.png', image)
    cup = {
        'class': 'cup',
        'scale': [0.3, 0.4, 0.3],
        'symmetric': False,
        'keypoints_3d': gl_from_cv(keypoints_cv).tolist(),
        'projected_cuboid': points.tolist(),
        **({} if angle is None else {'handle_angle_deg': angle}),
    }
    camera = {'width': SIDE, 'height': SIDE, 'intrinsics': CAMERA}
    stem.with_suffix('.json').write_text(json.dumps({'camera_data': camera, 'objects': [cup]}))


def options_for(folder):
    """Return what makes the config tiny."""
    small = {'dataset.data_root': str(folder), 'dataset.input_wh': (SIDE, SIDE), 'num_workers': 0}
    loaders = {
        f'{part}_dataloader.{key}': value
        for part in ('train', 'val', 'test')
        for key, value in {**small, 'batch_size': 4, 'persistent_workers': False}.items()
    }
    return {
        **loaders,
        'model.backbone': {'_delete_': True, 'type': 'TimmBackbone', 'name': 'test_resnet'},
        'model.neck': {'_delete_': True, 'type': 'IDAUpNeck', 'out_channels': 16},
        'model.head.head_conv': 32,
    }


def tiny_config(folder, **changes):
    config = load_config(CONFIG, {**options_for(folder), **changes})
    check_config(config)
    return config


def command_options(folder):
    """Return the same for the command line."""
    return [f'{key}={value!r}' for key, value in options_for(folder).items()]


def unit(angle_deg):
    return np.array([np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))])


@pytest.mark.slow
@pytest.mark.parametrize(('flip', 'turn'), [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_target_follows_flip_and_rotation(folder, flip, turn):
    """The pixels at both ends of the handle say where it points after augmentation."""
    config = tiny_config(folder)
    affine = config.train_dataloader.dataset.pipeline[2]
    affine.update(border=28, flip_prob=flip, rotate_prob=turn, scale_range=(1.0, 1.2))
    dataset = DATASETS.build(config.train_dataloader.dataset)
    codec = build_model(config).head.codec
    samples = [dataset[index]['data_samples'] for index in range(len(ANGLES))]
    targets = codec.encode(samples)
    for number, (sample, angle) in enumerate(zip(samples, ANGLES, strict=True)):
        assert targets['object_mask'][number].all()
        mask = targets['handle_direction_mask'][number]
        assert mask.all() if angle is not None else not mask.any()
        if angle is not None:
            ends = np.array([[30.0, 31.0], [30.0, 31.0] + 5 * unit(angle)])
            start, end = apply_affine(sample.input_from_image, ends)
            wanted = (end - start) / np.linalg.norm(end - start)
            found = targets['handle_direction'][number, 0, 0]
            np.testing.assert_allclose(found, wanted, atol=1e-6)
            mirrored = np.linalg.det(sample.input_from_image[:, :2]) < 0
            assert mirrored == bool(flip)


def test_decoding_inverts_the_target(folder):
    config = tiny_config(folder)
    dataset = DATASETS.build(config.train_dataloader.dataset)
    head = build_model(config).head
    samples = [dataset[index]['data_samples'] for index in range(3)]
    targets = head.codec.encode(samples)
    branch = next(item for item in head.codec.branches if item.name == 'handle')
    for number, (sample, angle) in enumerate(zip(samples, ANGLES, strict=False)):
        affine = np.linalg.inv(np.vstack([sample.input_from_image, [0, 0, 1]]))[:2]
        decoded = {'handle_direction': 2.5 * targets['handle_direction'][number, 0].numpy()}
        found = branch.to_extras(decoded, affine)
        assert found['handle_angle_deg'] == pytest.approx([angle], abs=1e-4)


@pytest.mark.slow
def test_loss_falls(folder):
    torch.manual_seed(0)
    config = tiny_config(folder)
    config.train_dataloader.dataset.pipeline[2] = {'type': 'LetterboxAffine'}
    dataset = DATASETS.build(config.train_dataloader.dataset)
    model = build_model(config).train()
    items = [dataset[index] for index in range(len(ANGLES))]
    batch = {name: [item[name] for item in items] for name in ('inputs', 'data_samples')}
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    history = []
    for _ in range(30):
        losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
        assert len(losses) == 8
        history.append(losses['loss_handle'].item())
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    assert min(history[-5:]) < 0.4 * history[0]


@pytest.fixture(scope='module')
def checkpoint(folder, tmp_path_factory):
    """A model after two steps of the train command."""
    work_dir = tmp_path_factory.mktemp('run')
    changes = ['train_cfg.max_epochs=2', 'train_cfg.val_interval=5', 'val_dataloader=None']
    changes += ['val_cfg=None', 'val_evaluator=None']
    command = ['train', str(CONFIG), '--work-dir', str(work_dir), '--cfg-options']
    assert main([*command, *command_options(folder), *changes]) == 0
    return work_dir / 'epoch_2.pth'


def test_mean_error_goes_around_the_circle(folder):
    """Boxes as annotated, with directions off by −30, 10 and 50 degrees; one cup has none."""
    config = tiny_config(folder)
    dataset = DATASETS.build(config.test_dataloader.dataset)
    metric = METRICS.build(dict(config.test_evaluator))
    metric.dataset_meta = dataset.metainfo
    for index, shift in enumerate((-30.0, 10.0, 50.0, 0.0)):
        sample = dataset[index]['data_samples']
        annotations = sample.annotations
        keypoints_cv = cv_from_gl(annotations.keypoints_gl[0])
        angle = (ANGLES[index] or 0.0) + shift
        pose = ObjectPose(
            score=0.9,
            label=0,
            bbox_image=np.zeros(4),
            corners_image=annotations.keypoints_image[0, 1:],
            dims=annotations.dims_metric[0],
            keypoints_cv=keypoints_cv,
            keypoints_image=annotations.keypoints_image[0],
            extras={'handle_angle_deg': (angle + 180) % 360 - 180},
        )
        result = PoseResult(sample.image_path, sample.image_wh, sample.intrinsics, [pose])
        metric.process({'data_samples': [sample]}, [result])
    numbers = metric.evaluate(len(ANGLES))
    assert numbers['mean_handle_angle_deg'] == pytest.approx(30.0)
    assert numbers['mean_3DIoU'] == pytest.approx(1.0)


@pytest.mark.slow
def test_report(folder, checkpoint, tmp_path, monkeypatch):
    """The number stands among all others; the dump keeps directions, found and annotated."""
    monkeypatch.chdir(tmp_path)
    out, dump = tmp_path / 'metrics.json', tmp_path / 'dump.json'
    words = ['test', str(CONFIG), str(checkpoint), '--out', str(out), '--dump', str(dump)]
    options = ['model.head.postprocessor.eval_score_thr=0.0', 'test_evaluator.protocol.min_score=0']
    options += ["test_evaluator.protocol.type='OneToOneProtocol'"]
    assert main([*words, '--cfg-options', *command_options(folder), *options]) == 0
    report = json.loads(out.read_text())
    assert report['num_objects'] == 4
    assert 0 <= report['AP_handle20'] <= 1
    images = json.loads(dump.read_text())['images']
    annotated = [image['objects'][0].get('extras', {}) for image in images]
    assert [extras.get('handle_angle_deg') for extras in annotated] == [*ANGLES]
    assert all('handle_angle_deg' in image['predictions'][0]['extras'] for image in images)


@pytest.mark.slow
def test_results_of_an_exported_model(folder, checkpoint, tmp_path, capsys):
    """ONNX Runtime finds the angles that PyTorch finds, and the JSON files have them."""
    onnx_file = tmp_path / 'handle.onnx'
    size = ['--width', str(SIDE), '--height', str(SIDE), '--opset', '17']
    words = ['export-onnx', str(CONFIG), str(checkpoint), '--out', str(onnx_file), *size]
    assert main([*words, '--cfg-options', *command_options(folder)]) == 0
    assert 'handle_direction' in capsys.readouterr().out
    found = {}
    for model in (checkpoint, onnx_file):
        out = tmp_path / model.suffix[1:]
        words = ['infer', str(CONFIG), str(model), str(folder), '--out', str(out)]
        words += ['--score-thr', '0.001', '--no-save-vis', '--cfg-options']
        assert main([*words, *command_options(folder)]) == 0
        files = sorted((out / 'json').glob('*.json'))
        assert len(files) == len(ANGLES)
        found[model] = [json.loads(file.read_text())['objects'][0] for file in files]
    for expected, own in zip(found[checkpoint], found[onnx_file], strict=True):
        assert own['score'] == pytest.approx(expected['score'], abs=1e-4)
        gap = own['handle_angle_deg'] - expected['handle_angle_deg']
        assert abs((gap + 180) % 360 - 180) < 0.05
