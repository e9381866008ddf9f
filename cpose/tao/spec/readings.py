"""Where TAO's sources disagree: what is chosen here, and when a spec relies on another reading."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

from cpose.tao.spec.spec_file import TaoSpec
from cpose.tao.translation.data_part import FIXED_SYMMETRY, by_category, categories

PUBLISHED_KEYS = ('tlt_encode', 'nvidia_tlt')
CALIBRATION = 'gen_trt_engine.tensorrt.calibration'


@dataclass(frozen=True)
class Reading:
    """A key that TAO's sources describe differently.

    Attributes:
        key: Dotted key.
        others: What the sources say.
        chosen: What holds here.
        tasks: Tasks that it matters for.
        is_open: Whether a spec may mean another reading in a task; then there is a warning.
        advice: What to write.
    """

    key: str
    others: str
    chosen: str
    tasks: tuple[str, ...]
    is_open: Callable[[TaoSpec, str], bool]
    advice: str


def warn_of_readings(spec: TaoSpec, task: str) -> None:
    """Warn of each value that another source of TAO would read differently."""
    for reading in READINGS:
        if task in reading.tasks and reading.is_open(spec, task):
            warnings.warn(
                f'{spec.origin.place(reading.key)}: {reading.key}: {reading.chosen}. '
                f'{reading.others}. {reading.advice}',
                stacklevel=2,
            )


def _absent(*keys: str) -> Callable[[TaoSpec, str], bool]:
    """Return what tells whether a spec gives none of some keys, ``{task}`` filled in."""
    return lambda spec, task: not any(spec.origin.gives(key.format(task=task)) for key in keys)


def _has_unused_weights(spec: TaoSpec, task: str) -> bool:
    model = spec.values.model
    return bool(model.backbone.pretrained_backbone_path) and not model.use_pretrained


def _has_one_calibration_image(spec: TaoSpec, task: str) -> bool:
    sizes = (f'{CALIBRATION}.cal_batch_size', f'{CALIBRATION}.cal_batches')
    return spec.values.gen_trt_engine.tensorrt.data_type == 'INT8' and _absent(*sizes)(spec, task)


def _has_other_symmetry(spec: TaoSpec, task: str) -> bool:
    pairs = zip(categories(spec), by_category(spec, 'dataset.num_symmetry'), strict=True)
    return any(
        name in FIXED_SYMMETRY and number not in (1, FIXED_SYMMETRY[name]) for name, number in pairs
    )


READINGS = (
    Reading(
        'results_dir',
        'The documentation has /results as default, the schema none',
        'results go to /results',
        ('train', 'evaluate', 'inference', 'export', 'gen_trt_engine'),
        _absent('results_dir', '{task}.results_dir'),
        'Give results_dir.',
    ),
    Reading(
        'encryption_key',
        'The tables have none, the templates tlt_encode, the examples nvidia_tlt',
        'none by default; a published one encrypts, but protects nothing',
        ('train', 'export', 'gen_trt_engine'),
        lambda spec, _: spec.values.encryption_key in PUBLISHED_KEYS,
        'Choose another one, or remove it.',
    ),
    Reading(
        'model.backbone.model_type',
        'The table of the documentation has DLA34 as default, examples and schema fan_small',
        'fan_small is taken',
        ('train',),
        _absent('model.backbone.model_type'),
        'Name the backbone.',
    ),
    Reading(
        'dataset.category',
        'The schema has cereal_box as default, the documentation none',
        'cereal_box is taken',
        ('train',),
        _absent('dataset.category'),
        'Name the category.',
    ),
    Reading(
        'model.backbone.pretrained_backbone_path',
        'TAO leaves it out unless model.use_pretrained is true',
        'the weights are loaded',
        ('train',),
        _has_unused_weights,
        'Set model.use_pretrained=true, or remove the path.',
    ),
    Reading(
        'dataset.num_symmetry',
        'TAO takes 4 for chair and 12 for bottle, whatever is written',
        'what is written is taken',
        ('train',),
        _has_other_symmetry,
        'Remove the key to get the same as there.',
    ),
    Reading(
        'evaluate.opencv',
        'TAO compares OpenCV poses with Objectron annotations as they are, which gives an IoU '
        'near 0; the documentation has false as default, the schema true',
        'poses are compared in the frame of the annotations',
        ('evaluate',),
        lambda spec, _: spec.values.evaluate.opencv,
        'Set evaluate.opencv=false, as the documentation does.',
    ),
    Reading(
        'inference.opencv',
        'The table of the documentation has false as default, its example and the schema true',
        'results are in the OpenCV frame',
        ('inference',),
        _absent('inference.opencv'),
        'Give inference.opencv.',
    ),
    Reading(
        'inference.focal_length_x',
        'The documentation has 615, 615, 300.7 and 392.8 as defaults, the camera of Objectron at '
        '600×800; the schema has 0',
        'each image gets the camera of the JSON file beside it, or a guess',
        ('inference',),
        lambda spec, task: (
            spec.values.inference.use_pnp
            and _absent('inference.focal_length_x', 'inference.focal_length_y')(spec, task)
        ),
        'Give focal_length_x, focal_length_y, principle_point_x and principle_point_y.',
    ),
    Reading(
        f'{CALIBRATION}.cal_batches',
        'The schema has 1 image in 1 batch as default, the templates 10 images in 1000 batches',
        'the ranges of INT8 come from one image',
        ('gen_trt_engine',),
        _has_one_calibration_image,
        'Give cal_batch_size and cal_batches.',
    ),
)
"""Where a spec can tell that it may mean the other reading."""
