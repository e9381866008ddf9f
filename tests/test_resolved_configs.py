"""What decides a result stands in the config, not in constructors."""

import dataclasses
import inspect
from collections.abc import Mapping

import pytest
from mmengine.registry import Registry

from cpose import registry as cpose_registry
from cpose.apis.config.check import typed_nodes
from cpose.apis.config.load import load_config
from cpose.datasets.synthetic.settings import RealismSettings

from .golden.regenerate import CASES, COMMAND, FOLDER, resolved_lines

BRANCHES = (
    *('CenterHeatmap', 'CornerHeatmap', 'CornerDisplacement', 'BoxSize', 'CenterOffset'),
    *('CornerOffset', 'Dims', 'CenterTracking', 'CornerTracking'),
)
MAY_BE_LEFT_OUT = {
    'LoadPoseImage': ('follow_exif',),
    # Validation and test have no targets; 'raise' and True leave no image out.
    'CenterPoseDataset': (
        *('max_objs', 'on_error', 'require_annotation'),
        *('classes', 'convention', 'image_list', 'on_contradiction'),
    ),
    'DLA34': ('pretrained_path', 'init_cfg'),  # None: no file
    'DLA34Track': ('pretrained_path', 'init_cfg'),
    'DLAUpNeck': ('out_channels', 'init_cfg'),  # None: those of the backbone's level
    'RandomPoseAffine': ('scale_step',),  # None: any factor in the range
    'FAN': ('with_checkpoint', 'pretrained_path', 'init_cfg'),  # memory; None: no file
    'IDAUpNeck': ('out_channels', 'init_cfg'),
    'CenterPose': ('init_cfg',),
    'CenterPoseHead': ('stride', 'init_cfg'),  # wired from the neck
    'CenterPoseCodec': ('stride', 'num_classes', 'branches'),  # wired from the head
    'PosePostprocessor': ('stride', 'branches'),
    **{f'{name}Branch': ('name', 'num_classes') for name in BRANCHES},
    # () adds no metrics; outputs.
    'ObjectronMetric': ('extra_metrics', 'dump_file', 'collect_device', 'collect_dir'),
    'PoseDataPreprocessor': ('non_blocking',),  # speed
    'TrackPreprocessor': ('non_blocking',),
    'PoseVisualizer': ('name', 'axis_length', 'show_axes', 'show_points', 'show_labels', 'kwargs'),
    'ResumableEpochTrainLoop': ('dynamic_intervals',),  # None: none
    'RichProgressHook': ('console',),
    'TimmBackbone': ('pretrained_path', 'init_cfg', 'timm_options'),
    'TimmTrack': ('pretrained_path', 'init_cfg', 'timm_options'),
}
"""Arguments of style, speed and outputs, and those that None or the wiring decides."""


def own_classes():
    """Return all classes that this project registers, by name."""
    found = {}
    for registry in vars(cpose_registry).values():
        if isinstance(registry, Registry) and registry.scope == 'cpose':
            registry.import_from_location()
            found.update(registry.module_dict)
    return {name: kind for name, kind in found.items() if kind.__module__.startswith('cpose.')}


def has_default(parameter):
    return parameter.default is not parameter.empty


@pytest.mark.slow
@pytest.mark.parametrize('name', CASES)
def test_print_config_shows_what_is_written_down(name):
    expected = (FOLDER / f'{name}.txt').read_text(encoding='utf-8').splitlines()
    found = resolved_lines(*CASES[name])
    lost = [f'- {line}' for line in expected if line not in found]
    new = [f'+ {line}' for line in found if line not in expected]
    changes = '\n'.join(lost + new)
    assert found == expected, f'{changes}\nIf this is meant: {COMMAND}'


@pytest.mark.parametrize('name', CASES)
def test_parts_are_built_without_defaults(name):
    argument, *rest = CASES[name]
    options = {'presets': ['_base_/compat/tao.py']} if rest else {}
    classes, lacking = own_classes(), []
    for path, node in typed_nodes(load_config(argument, options).to_dict()):
        kind = classes.get(node['type'])
        parameters = inspect.signature(kind).parameters.values() if kind else ()
        allowed = MAY_BE_LEFT_OUT.get(node['type'], ())
        lacking += [
            f'{path}.{item.name}={item.default!r}'
            for item in parameters
            if has_default(item) and item.name not in node and item.name not in allowed
        ]
        if 'realism' in node:
            names = {item.name for item in dataclasses.fields(RealismSettings)}
            lacking += [f'{path}.realism.{key}' for key in names - set(node['realism'])]
    assert lacking == []


def test_no_config_is_a_default():
    nested = [
        f'{name}.{item.name}'
        for name, kind in own_classes().items()
        for item in inspect.signature(kind).parameters.values()
        if has_default(item) and isinstance(item.default, Mapping)
    ]
    assert nested == []


def test_what_may_be_left_out_exists():
    classes = own_classes()
    for name, arguments in MAY_BE_LEFT_OUT.items():
        assert set(arguments) <= set(inspect.signature(classes[name]).parameters), name


@pytest.mark.parametrize('name', ['fan_small_bike', 'quickstart'])
def test_statistics_and_target_limit_stand_once(name):
    lines = resolved_lines(*CASES[name])
    for ending in ('.mean', '.std', '.channel_order'):
        assert len([line for line in lines if line.split(' = ')[0].endswith(ending)]) == 1
    limits = {'fan_small_bike': ['train_dataloader.dataset.max_objs = 10'], 'quickstart': []}
    assert [line for line in lines if 'max_objs' in line] == limits[name]
