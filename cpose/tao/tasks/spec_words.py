"""The words of a spec for what functions and configs name in other words."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cpose.error_places import ConfigPlace
from cpose.errors import UserError
from cpose.tao.spec.key_list import spec_keys
from cpose.tao.spec.spec_file import TaoSpec

TRT = 'gen_trt_engine.tensorrt'
CALIBRATION = f'{TRT}.calibration'
ARGUMENTS = {
    'amp': 'train.precision',
    'compute_capabilities': f'{TRT}.compute_capabilities',
    'flavor': f'{TRT}.flavor',
    'input_wh': 'export.input_width',
    'keep_float': f'{TRT}.layers_precision',
    'max_batch': f'{TRT}.max_batch_size',
    'min_batch': f'{TRT}.min_batch_size',
    'opset': 'export.opset_version',
    'opt_batch': f'{TRT}.opt_batch_size',
    'out': '{results_dir}',
    'precision': f'{TRT}.data_type',
    'timing_cache': 'gen_trt_engine.timing_cache',
    'work_dir': '{results_dir}',
}
"""Arguments of functions to keys of the spec, for all tasks; braces stand for what `_filled_in`
tells."""
TRAIN_ARGUMENTS = {
    'batch_size': 'dataset.batch_size',
    'checkpoint': 'train.pretrained_model_path',
}
"""Those of a training."""
EVALUATE_ARGUMENTS = {
    'batch_size': '{batch_size}',
    'checkpoint': '{model}',
}
"""Those of an evaluation."""
INFERENCE_ARGUMENTS = {
    'batch_size': '{batch_size}',
    'camera': 'inference.focal_length_x',
    'checkpoint': '{model}',
    'inputs': 'dataset.inference_data',
}
"""Those of an inference; the camera by its first number."""
ENGINE_ARGUMENTS = {
    'model': 'gen_trt_engine.onnx_file',
    'out': 'gen_trt_engine.trt_engine',
    'batch_size': f'{CALIBRATION}.cal_batch_size',
    'cache': f'{CALIBRATION}.cal_cache_file',
    'folders': f'{CALIBRATION}.cal_image_dir',
    'num_batches': f'{CALIBRATION}.cal_batches',
}
"""Those of an engine; the batch size is that of calibration, another than that of the task."""
EXPORT_ARGUMENTS = {
    'batch_size': 'export.batch_size',
    'checkpoint': 'export.checkpoint',
    'out': 'export.onnx_file',
}
"""Those of an export."""
SEARCH_ARGUMENTS = {
    name: f'automl.{name}' for name in ('algorithm', 'metric', 'storage', 'study_name')
}
"""Those of a search."""
OWN_ARGUMENTS = {
    'train': TRAIN_ARGUMENTS,
    'evaluate': EVALUATE_ARGUMENTS,
    'inference': INFERENCE_ARGUMENTS,
    'gen_trt_engine': ENGINE_ARGUMENTS,
    'export': EXPORT_ARGUMENTS,
    'automl': SEARCH_ARGUMENTS,
}
LOADER_KEYS = {
    'batch_size': 'dataset.batch_size',
    'num_workers': 'dataset.workers',
    'pin_memory': 'dataset.pin_memory',
    'dataset.input_wh': 'dataset.input_res',
    'dataset.max_objs': 'dataset.max_objs',
    'dataset.metainfo': 'dataset.category',
    'dataset.metainfo.category': 'dataset.category',
    'dataset.metainfo.symmetry': 'dataset.num_symmetry',
    'dataset.metainfo.symmetry.order': 'dataset.num_symmetry',
    'dataset.metainfo.eval_num_symmetry': 'evaluate.eval_num_symmetry',
    'dataset.seed': 'train.seed',
}
"""Keys of a data loader to keys of the spec."""
DATA_KEYS = {
    'train': 'dataset.train_data',
    'val': 'dataset.val_data',
    'test': 'dataset.test_data',
}
CONFIG_KEYS = {
    **{f'{name}_dataloader.{part}': key for name in DATA_KEYS for part, key in LOADER_KEYS.items()},
    **{f'{name}_dataloader.dataset.data_root': key for name, key in DATA_KEYS.items()},
    **{f'{name}_dataloader.dataset': key for name, key in DATA_KEYS.items()},
    'test_dataloader.batch_size': '{batch_size}',
    'env_cfg.cudnn_benchmark': 'train.cudnn.benchmark',
    'load_from': 'train.pretrained_model_path',
    'model.backbone.pretrained_path': 'model.backbone.pretrained_backbone_path',
    'model.data_preprocessor.mean': 'dataset.mean',
    'model.data_preprocessor.std': 'dataset.std',
    'model.head.codec.num_select': '{task}.num_select',
    'model.head.head_conv': 'model.head_conv',
    'model.head.num_classes': 'dataset.num_classes',
    'model.neck.out_channels': 'model.out_channel',
    'model.neck.out_stride': 'model.down_ratio',
    'optim_wrapper.clip_grad.max_norm': 'train.clip_grad_val',
    'optim_wrapper.dtype': 'train.precision',
    'optim_wrapper.optimizer.lr': 'train.optim.lr',
    'param_scheduler': 'train.optim.lr_steps',
    'randomness.seed': 'train.seed',
    'train_cfg.max_epochs': 'train.num_epochs',
    'train_cfg.val_interval': 'train.validation_interval',
    'work_dir': '{results_dir}',
}
"""Keys of configs to keys of the spec."""
HABITS = {'resume': 'the same command'}
"""What a task has in place of an argument."""


@contextmanager
def errors_name_spec_keys(spec: TaoSpec, task: str) -> Iterator[None]:
    """Let errors of the user name file and line of the key of the spec that they are about.

    Warnings that are such errors do so too.

    Args:
        spec: The spec that is run.
        task: What is run of it.
    """
    shown = warnings.showwarning

    def show(message: Warning | str, *where: Any, **options: Any) -> None:
        if isinstance(message, UserError):
            tell_spec_keys(message, spec, task)
        shown(message, *where, **options)

    with warnings.catch_warnings():
        warnings.showwarning = show
        try:
            yield
        except UserError as error:
            tell_spec_keys(error, spec, task)
            raise


def tell_spec_keys(error: UserError, spec: TaoSpec, task: str) -> None:
    """Give an error the place in the spec, and the names of the spec for its advice."""
    filled = _filled_in(spec, task)
    arguments = {**ARGUMENTS, **OWN_ARGUMENTS.get(task, {})}
    names = {name: key.format(**filled) for name, key in arguments.items()}
    keys = error.place.keys if isinstance(error.place, ConfigPlace) else ()
    key = next((CONFIG_KEYS[item].format(**filled) for item in keys if item in CONFIG_KEYS), None)
    if error.place is None and error.argument in names:
        key = names[error.argument]
    if error.names is None:
        error.names = {**names, **HABITS}
    if key is not None and key in spec_keys():
        error.place = spec.origin.at(key)


def _filled_in(spec: TaoSpec, task: str) -> dict[str, str]:
    """Return the keys of this task that others may stand in for, by what braces name."""
    section = getattr(spec.values, task)
    has_own_size = getattr(section, 'batch_size', -1) > 0
    has_own_folder = bool(getattr(section, 'results_dir', ''))
    has_engine = bool(getattr(section, 'trt_engine', '')) and hasattr(section, 'checkpoint')
    return {
        'task': task,
        'batch_size': f'{task}.batch_size' if has_own_size else 'dataset.batch_size',
        'model': f'{task}.trt_engine' if has_engine else f'{task}.checkpoint',
        'results_dir': f'{task}.results_dir' if has_own_folder else 'results_dir',
    }
