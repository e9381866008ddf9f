"""Errors of what a spec runs, in the words of the spec."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from cpose.errors import UserError, plain_message
from cpose.tao.spec_file import TaoSpec

TRT = 'gen_trt_engine.tensorrt'
KEYS = {
    '--batch-size, or the config key test_dataloader.batch_size': '{task}.batch_size',
    '--work-dir': 'results_dir',
    '--amp': 'train.precision',
    'model.backbone.pretrained_path': 'model.backbone.pretrained_backbone_path',
    '--opset': 'export.opset_version',
    '--width': 'export.input_width',
    '--height': 'export.input_height',
    '--min-batch': f'{TRT}.min_batch_size',
    '--opt-batch': f'{TRT}.opt_batch_size',
    '--max-batch': f'{TRT}.max_batch_size',
    '--precision': f'{TRT}.data_type',
    '--flavor': f'{TRT}.flavor',
    '--compute-capability': f'{TRT}.compute_capabilities',
    '--keep-float': f'{TRT}.layers_precision',
    '--timing-cache': 'gen_trt_engine.timing_cache',
    '--data': f'{TRT}.calibration.cal_image_dir',
    '--calib-batches': f'{TRT}.calibration.cal_batches',
    '--calib-batch-size': f'{TRT}.calibration.cal_batch_size',
    '--calib-cache': f'{TRT}.calibration.cal_cache_file',
}
"""Options of other commands, and keys of configs, to keys of the spec; of the section of the task
where they say ``{task}``."""
PHRASES = {
    'another one with --out': 'another results_dir',
    'overwrite it with --force': 'remove it',
    'continue with --resume': 'start the same command again',
}
"""What to do, where a task has no option for it."""
FOREIGN = re.compile(f'(?:{"|".join(map(re.escape, {**PHRASES, **KEYS}))})(?![\\w-])')


@contextmanager
def errors_in_spec_words(spec: TaoSpec, task: str) -> Iterator[None]:
    """Raise errors of the user again with file and line of the first key that they are about.

    Args:
        spec: The spec that is run.
        task: What is run of it.
    """
    try:
        yield
    except UserError as error:
        text = plain_message(error)
        words = {name: key.format(task=task) for name, key in {**PHRASES, **KEYS}.items()}
        keys = [words[name] for name in FOREIGN.findall(text) if name in KEYS]
        if not FOREIGN.search(text):
            raise
        place = f'{spec.origin.place(keys[0])}: ' if keys else ''
        replaced = FOREIGN.sub(lambda found: words[found[0]], text)
        raise type(error)(f'{place}{replaced}') from error
