"""A network of two categories, from two folders of images to the exported files."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from cpose.apis.config.load import load_config
from cpose.apis.export.model_export import export_model
from cpose.apis.export.quantization import CalibrationSource, quantize_file
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.apis.inference.result_json import result_to_dict
from cpose.apis.training import evaluate, train
from cpose.cli.main import main
from cpose.datasets.synthetic.folder import write_images
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.deploy.model_metadata import read_metadata
from cpose.deploy.onnx.export import ExportSettings
from cpose.deploy.quantization.quantize import QuantizationSettings
from cpose.errors import CheckpointError

from .user_errors import raises

pytestmark = pytest.mark.slow

NAMES = ['box', 'cup']
REFERENCES = [[1.2, 1.0, 1.2], [1.0, 1.0, 1.0]]
"""Extents from which each category's are told; a file knows both."""
SIDE = (96, 96)
NUM_IMAGES = 4
PLAIN = {
    'box_span': (0.6, 0.85),
    'pitch_deg': (15.0, 40.0),
    'cut_off': 0.0,
    **dict.fromkeys(('solids', 'flat_items', 'upright_items'), (0, 0)),
}


def write_folder(folder, shape):
    """Write pictures of one category, whose class in the files is that of the shape."""
    folder.mkdir(parents=True)
    options = {'shape': {'type': shape}, 'image_wh': SIDE, 'seed': 5, 'realism': PLAIN}
    list(write_images(SyntheticCuboidDataset(NUM_IMAGES, **options), folder))
    return str(folder)


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    """Return a config of two folders; that of the boxes calls them ``cuboid``."""
    data = tmp_path_factory.mktemp('data')
    folders = {
        'cup': write_folder(data / 'b', 'Cup'),
        'box': [write_folder(data / 'a', 'Carton')],
    }
    metainfo = {
        'category': NAMES,
        'symmetry': [{'type': 'CuboidSymmetry'}, {'type': 'RotationalSymmetry', 'order': 12}],
        'eval_num_symmetry': [1, 100],
    }
    plain = [{'type': name} for name in ('LoadPoseImage', 'LetterboxAffine', 'PackPoseInputs')]
    dataset = {
        '_delete_': True,
        'type': 'CenterPoseDataset',
        'data_root': folders,
        'metainfo': metainfo,
        'input_wh': SIDE,
        'pipeline': plain,
    }
    training = {**dataset, 'pipeline': [plain[0], {'type': 'ExpandSymmetries'}, *plain[1:]]}
    in_process = {'num_workers': 0, 'persistent_workers': False}
    return load_config(
        'cpose::centerpose/quickstart.py',
        {
            'model.head.num_classes': 2,
            'model.head.branches.scale.coder': {'type': 'ResidualDims', 'reference': REFERENCES},
            'train_dataloader': {'batch_size': 8, 'dataset': training, **in_process},
            'test_dataloader': {'dataset': dataset, **in_process},
            'val_dataloader': None,
            'val_cfg': None,
            'val_evaluator': None,
            'optim_wrapper.optimizer.lr': 3e-3,
            'param_scheduler': [
                {'type': 'LinearLR', 'start_factor': 0.1, 'by_epoch': False, 'begin': 0, 'end': 10}
            ],
            'train_cfg': {'max_epochs': 80},
            'default_hooks.checkpoint.interval': 80,
            'default_hooks.checkpoint.save_best': None,
        },
    )


@pytest.fixture(scope='module')
def checkpoint(config, tmp_path_factory):
    runner = train(config, tmp_path_factory.mktemp('run'))
    return Path(runner.last_checkpoint)


@pytest.fixture(scope='module')
def exported(config, checkpoint):
    path = checkpoint.with_suffix('.onnx')
    export_model(config, checkpoint, path, ExportSettings(SIDE, opset=17))
    return path


@pytest.fixture(scope='module')
def reports(config, checkpoint, exported, tmp_path_factory):
    """Return the report of each file, the first one with its dump."""
    work_dir = tmp_path_factory.mktemp('test')
    dump = work_dir / 'dump.json'
    first = evaluate(config, checkpoint, dump=dump, work_dir=work_dir)
    return {'pth': first, 'onnx': evaluate(config, exported, work_dir=work_dir), 'dump': dump}


def test_both_are_learnt_and_reported(reports):
    report = reports['pth']
    assert list(report['per_category']) == NAMES
    for numbers in report['per_category'].values():
        assert numbers['num_objects'] == NUM_IMAGES
        assert numbers['AP50_3DIoU'] > 0.5
        assert len(numbers['curves']) == len(report['curves'])
    found = [numbers['mean_3DIoU'] for numbers in report['per_category'].values()]
    assert report['mean_3DIoU'] == pytest.approx(np.mean(found))


def test_an_exported_file_gives_the_same(reports):
    pairs = zip(*(reports[kind]['per_category'].values() for kind in ('pth', 'onnx')), strict=True)
    for ours, theirs in pairs:
        for name in ('AP50_3DIoU', 'mean_3DIoU', 'MPE_2D', 'mean_azimuth_deg', 'num_objects'):
            assert theirs[name] == pytest.approx(ours[name], abs=1e-3), name


def test_a_dump_gives_the_same(reports, tmp_path):
    assert main(['evaluate', str(reports['dump']), '--out', str(tmp_path / 'm.json')]) == 0
    scored = json.loads((tmp_path / 'm.json').read_text())
    assert scored['per_category'] == json.loads(json.dumps(reports['pth']['per_category']))


def test_files_tell_the_names(exported):
    metadata = read_metadata(exported)
    assert metadata.class_names == tuple(NAMES)
    assert [item['type'] for item in json.loads(metadata.symmetry)] == [
        'CuboidSymmetry',
        'RotationalSymmetry',
    ]


@pytest.mark.parametrize('kind', ['pth', 'onnx'])
def test_results_tell_the_names(config, checkpoint, exported, kind):
    weights = {'pth': checkpoint, 'onnx': exported}[kind]
    inferencer = CenterPoseInferencer(None, weights)
    for name, folders in config.test_dataloader.dataset.data_root.items():
        (folder,) = [folders] if isinstance(folders, str) else folders
        results = list(inferencer(folder))
        assert len(results) == NUM_IMAGES
        for result in results:
            assert result.poses[0].category == name
            content = result_to_dict(result, categories=inferencer.categories)
            assert content['objects'][0]['class'] == name


def test_inference_counts_each_category(config, checkpoint, tmp_path, capsys):
    folder = config.test_dataloader.dataset.data_root['cup']
    assert (
        main(['infer', '-', str(checkpoint), folder, '--out', str(tmp_path), '--no-save-vis']) == 0
    )
    told = capsys.readouterr().out
    assert f'cup: {NUM_IMAGES} objects, {NUM_IMAGES} with pose' in told
    assert 'box: 0 objects' in told


@pytest.mark.parametrize('target', ['ort', 'tensorrt'])
def test_integers_serve_both(config, exported, tmp_path, target):
    """The ranges come from pictures of both: those of boxes alone would not suit cups."""
    out = tmp_path / 'int8.onnx'
    settings = QuantizationSettings(target)
    result = quantize_file(exported, out, settings, CalibrationSource(), 2 * NUM_IMAGES)
    assert read_metadata(out).class_names == tuple(NAMES)
    for name in NAMES:
        before, after = (r['per_category'][name] for r in (result.before, result.after))
        assert after['AP50_3DIoU'] > before['AP50_3DIoU'] - 0.3


@pytest.mark.parametrize('kind', ['pth', 'onnx'])
def test_names_in_another_order_are_refused(config, checkpoint, exported, tmp_path, kind):
    weights = {'pth': checkpoint, 'onnx': exported}[kind]
    swapped = Config(config.to_dict())
    for loader in ('train_dataloader', 'test_dataloader'):
        swapped[loader].dataset.metainfo.category = NAMES[::-1]
    with raises(CheckpointError, 'box, cup', path=weights):
        CenterPoseInferencer(swapped, weights)
    with raises(CheckpointError, 'box, cup', path=weights):
        evaluate(swapped, weights, work_dir=tmp_path)


def test_training_goes_on_with_a_further_category(config, checkpoint, tmp_path):
    wanted = ['hat', *NAMES[::-1]]
    further = Config(config.to_dict())
    further.load_from = str(checkpoint)
    further.model.head.num_classes = 3
    further.model.head.branches.scale.coder.reference = [[1.0, 1.0, 1.0], *REFERENCES[::-1]]
    further.optim_wrapper.optimizer.lr = 0.0
    further.train_cfg.max_epochs = 1
    for loader in ('train_dataloader', 'test_dataloader'):
        metainfo = further[loader].dataset.metainfo
        metainfo.category = wanted
        metainfo.symmetry = [{'type': 'NoSymmetry'}, *metainfo.symmetry[::-1]]
        metainfo.eval_num_symmetry = [1, *metainfo.eval_num_symmetry[::-1]]
        further[loader].dataset.data_root = dict(further[loader].dataset.data_root)
    runner = train(further, tmp_path)
    report = evaluate(further, runner.last_checkpoint, work_dir=tmp_path)
    before = evaluate(config, checkpoint, work_dir=tmp_path)
    for name in NAMES:
        assert report['per_category'][name]['AP50_3DIoU'] == pytest.approx(
            before['per_category'][name]['AP50_3DIoU']
        )


def test_pictures_have_both_colours(config, checkpoint):
    folders = config.test_dataloader.dataset.data_root
    inferencer = CenterPoseInferencer(None, checkpoint)
    bars = []
    for folder in (folders['box'][0], folders['cup']):
        (result,) = list(inferencer(sorted(Path(folder).glob('*.jpg'))[0], return_vis=True))
        image = cv2.imread(str(sorted(Path(folder).glob('*.jpg'))[0]))
        assert (result.picture != image).any()
        bars.append(result.picture[-4, 1].tolist())  # the legend in the lower left corner
    assert bars[0] != bars[1]
