"""Configs that cannot be read, or from which nothing can be built."""

from mmengine.config import Config

from cpose.apis.builder import build_model
from cpose.apis.config.check import check_config, import_custom_modules
from cpose.apis.config.evaluation_parts import find_metric_config, set_data_root
from cpose.apis.config.load import load_config
from cpose.engine.acceleration import MixedPrecisionOptimWrapper
from cpose.engine.hooks.atomic_checkpoint_hook import AtomicCheckpointHook
from cpose.engine.hooks.pose_visualization_hook import PoseVisualizationHook
from cpose.engine.hooks.tao_checkpoint_hook import TaoCheckpointHook
from cpose.engine.run_checks import check_settings


def build(**options):
    return lambda folder: build_model(
        load_config('mobilenetv4_small_cuboid', {'model.backbone.pretrained': False, **options})
    )


def read(text):
    def run(folder):
        (folder / 'mine.py').write_text(text)
        load_config(folder / 'mine.py')

    return run


def check(**content):
    return lambda folder: check_config(Config(content), tuple(content))


CASES = {
    'base that does not exist': read("_base_ = './nowhere.py'"),
    'base that is no name': read('_base_ = [5]'),
    'base of itself': read("_base_ = './mine.py'"),
    'failure inside': read('a = 1\nb = a / 0\n'),
    'presets that are no names': lambda folder: load_config('dla34_bike', {'presets': 5}),
    'import that is no name': lambda folder: import_custom_modules(Config({'custom_imports': 5})),
    'import of no package': lambda folder: import_custom_modules(
        Config({'custom_imports': ['no_such_package']})
    ),
    'missing key': lambda folder: check_config(Config({})),
    'data loader without sampler': check(train_dataloader={'dataset': {'type': 'X'}}),
    'data loader with another argument': check(train_dataloader={'batchsize': 4}),
    'optimizer without type': check(optimizer={}),
    'no test data': lambda folder: set_data_root(Config({}), 'data'),
    'no metric': lambda folder: find_metric_config(Config({}), 'Leave out {dump}'),
    'neither config nor checkpoint': lambda folder: build_model(None),
    'number of classes': build(**{'model.head.num_classes': 0}),
    'part without an '
    'argument': build(**{'model.neck': {'_delete_': True, 'type': 'IDAUpNeck', 'x': 1}}),
    'value at which a part fails': build(**{'model.backbone.name': 7}),
    'size divisor': build(**{'model.data_preprocessor.size_divisor': 0}),
    'seed': lambda folder: check_settings({'randomness': {'seed': -1}}),
    'log level': lambda folder: check_settings({'log_level': 'LOUD'}),
    'settings that are no dict': lambda folder: check_settings({'env_cfg': 5}),
    'checkpoint rule': lambda folder: AtomicCheckpointHook(rule='more'),
    'checkpoint interval': lambda folder: AtomicCheckpointHook(interval=0),
    'checkpoints kept': lambda folder: AtomicCheckpointHook(keep_last=0),
    'picture interval': lambda folder: PoseVisualizationHook(interval=0),
    'unit of checkpoints': lambda folder: TaoCheckpointHook(unit='day'),
    'precision': lambda folder: MixedPrecisionOptimWrapper(dtype='int8', optimizer=None),
}  # fmt: skip
