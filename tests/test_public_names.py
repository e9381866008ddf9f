"""The public names that scripts outside rely on; a name or parameter that goes is an error here."""

import argparse
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from cpose.cli.main import build_parser

FUNCTIONS = {
    'cpose.apis.build_model': ('config', 'checkpoint', 'device'),
    'cpose.apis.load_config': ('source', 'options'),
    'cpose.apis.CenterPoseInferencer': (
        'config', 'checkpoint', 'device', 'input_wh', 'detector', 'model',
    ),
    'cpose.apis.CenterPoseInferencer.__call__': (
        'self', 'inputs', 'camera', 'batch_size', 'score_thr', 'use_pnp', 'on_error', 'kwargs',
    ),
    'cpose.codecs.CenterPoseCodec.encode': ('self', 'samples', 'device'),
    'cpose.codecs.CenterPoseCodec.decode': ('self', 'maps'),
    'cpose.deploy.model_metadata.read_metadata': ('path',),
    'cpose.deploy.triton_repository.write_triton_repository': ('model_file', 'directory', 'name'),
    'cpose.geometry.iou3d.box_iou3d': ('a', 'b'),
    'cpose.geometry.iou3d.box_iou3d_symmetric': ('pred', 'gt', 'angles'),
    'cpose.geometry.pnp.solve_cuboid_pnp': ('points_image', 'dims', 'intrinsics', 'solver'),
    'cpose.models.checkpoint_keys.detect_family': ('state_dict',),
    'cpose.models.checkpoint_keys.convert': ('state_dict', 'family'),
}  # fmt: skip
"""Parameters in this order, of which more may follow if they have defaults."""

FIELDS = {
    'cpose.structures.object_pose.PoseResult': (
        'image_path', 'image_wh', 'intrinsics', 'poses', 'distortion',
    ),
    'cpose.structures.object_pose.ObjectPose': (
        'score', 'label', 'bbox_image', 'corners_image', 'dims', 'location_cv',
        'quaternion_xyzw', 'keypoints_cv', 'keypoints_image', 'failure',
    ),
    'cpose.geometry.pnp.PnPResult': ('pose', 'reason'),
}  # fmt: skip

COMMANDS = {
    'train': (
        'config', '--cfg-options', '--work-dir', '--resume', '--amp', '--launcher',
        '--tensors-only', '--model',
    ),
    'convert': (
        '--model', '--half',
        'checkpoint', '--out', '--category', '--config', '--cfg-options', '--tensors-only',
        '--allow-custom-imports', '--force',
    ),
    'test': (
        '--model',
        'config', 'checkpoint', '--cfg-options', '--data-root', '--out', '--dump', '--plot',
        '--work-dir', '--launcher', '--tensors-only', '--allow-custom-imports',
    ),
    'infer': (
        '--model',
        'config', 'checkpoint', 'inputs', '--out', '--cfg-options', '--camera', '--camera-file',
        '--no-pnp', '--frame', '--save-json', '--save-vis', '--axis-length', '--skip-unreadable',
        '--score-thr', '--batch-size', '--device', '--tensors-only', '--allow-custom-imports',
    ),
    'export-onnx': (
        '--model',
        'config', 'checkpoint', '--out', '--opset', '--height', '--width', '--batch', '--simplify',
        '--half', '--bake-preprocessing', '--preset', '--images', '--triton', '--force',
        '--cfg-options', '--tensors-only', '--allow-custom-imports',
    ),
    'quantize': (
        '--model',
        'model', '--out', '--precision', '--target', '--data',
        '--calib-batch-size', '--calib-batches', '--calib-cache', '--keep-float', '--auto-float',
        '--allow-custom-imports', '--eval-images', '--force',
    ),
    'build-trt': (
        '--model',
        'model', '--out', '--precision', '--min-batch', '--opt-batch', '--max-batch', '--flavor',
        '--compute-capability', '--workspace', '--timing-cache', '--verbose', '--data',
        '--calib-batch-size', '--calib-batches', '--calib-cache', '--keep-float', '--auto-float',
        '--allow-custom-imports', '--triton', '--force',
    ),
    'zoo': ('name', '--all', '--json', '--fetch', '--push', '--private', '--license'),
    'evaluate': ('file', '--out', '--plot', '--eval-num-symmetry', '--absolute-scale'),
    'synth': ('folder', '--num', '--seed', '--size', '--objects', '--workers', '--force'),
}  # fmt: skip

LAZY = {
    'cpose.apis': {'CenterPoseInferencer', 'build_model', 'load_config'},
    'cpose.codecs': {'CenterPoseCodec'},
}


def find(name):
    """Return what a dotted name stands for, as ``from package import name`` would."""
    parts = name.split('.')
    for number in range(len(parts), 0, -1):
        try:
            found = import_module('.'.join(parts[:number]))
        except ModuleNotFoundError:
            continue
        for part in parts[number:]:
            found = getattr(found, part)
        return found
    raise AssertionError(f'{name} is gone')


@pytest.mark.parametrize('name', FUNCTIONS)
def test_functions(name):
    parameters = list(inspect.signature(find(name)).parameters.values())
    assert tuple(item.name for item in parameters[: len(FUNCTIONS[name])]) == FUNCTIONS[name]
    added = parameters[len(FUNCTIONS[name]) :]
    assert all(item.default is not inspect.Parameter.empty for item in added)


@pytest.mark.parametrize('name', FIELDS)
def test_fields(name):
    names = tuple(inspect.signature(find(name)).parameters)
    assert names[: len(FIELDS[name])] == FIELDS[name]


@pytest.mark.parametrize('command', COMMANDS)
def test_commands(command):
    subparsers = next(
        action
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    actions = subparsers.choices[command]._actions
    known = {name for action in actions for name in action.option_strings or [action.dest]}
    assert set(COMMANDS[command]) <= known


@pytest.mark.parametrize(
    'name', ['train', 'test', 'infer', 'convert', 'export_onnx', 'quantize', 'build_trt']
)
def test_tools_are_the_commands(name):
    tool = Path(__file__).parents[1] / 'tools' / f'{name}.py'
    assert f"main(['{name.replace('_', '-')}', *sys.argv[1:]])" in tool.read_text()


@pytest.mark.parametrize('package', LAZY)
def test_lazy_names(package):
    module = import_module(package)
    assert set(module.__all__) == LAZY[package]
    for name in LAZY[package]:
        assert getattr(module, name).__name__ == name
    with pytest.raises(AttributeError, match=f"'{package}' has no attribute 'nothing'"):
        module.nothing  # noqa: B018, the access is what is tested


@pytest.mark.parametrize('package', ['cpose', *LAZY])
def test_importing_a_package_is_cheap(package):
    code = f'import sys, {package}; print({{"torch", "cv2", "mmengine"}} & set(sys.modules))'
    loaded = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True
    ).stdout
    assert loaded.strip() == 'set()'
