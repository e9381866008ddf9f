"""Child registries of MMEngine under the scope ``cpose``.

``locations`` name the modules that define the registered classes; MMEngine imports them at the
first look-up, so that importing this package stays cheap.
"""

from typing import Any

from mmengine.registry import DATA_SAMPLERS as MMENGINE_DATA_SAMPLERS
from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import EVALUATOR as MMENGINE_EVALUATOR
from mmengine.registry import FUNCTIONS as MMENGINE_FUNCTIONS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import INFERENCERS as MMENGINE_INFERENCERS
from mmengine.registry import LOG_PROCESSORS as MMENGINE_LOG_PROCESSORS
from mmengine.registry import LOOPS as MMENGINE_LOOPS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODEL_WRAPPERS as MMENGINE_MODEL_WRAPPERS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS as MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import OPTIMIZERS as MMENGINE_OPTIMIZERS
from mmengine.registry import PARAM_SCHEDULERS as MMENGINE_PARAM_SCHEDULERS
from mmengine.registry import RUNNERS as MMENGINE_RUNNERS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import VISBACKENDS as MMENGINE_VISBACKENDS
from mmengine.registry import VISUALIZERS as MMENGINE_VISUALIZERS
from mmengine.registry import WEIGHT_INITIALIZERS as MMENGINE_WEIGHT_INITIALIZERS
from mmengine.registry import Registry, build_from_cfg, root

from cpose.building import with_place


class NameRegistry(Registry):
    """Registry that has nothing for a text that is no name; MMEngine raises errors of its own."""

    def get(self, key: str) -> Any:
        """Return what is registered by a name, perhaps with a scope before it; None without any."""
        return super().get(key) if is_dotted_name(key) else None


def is_dotted_name(text: str) -> bool:
    """Tell whether a text is a name, or several with dots between."""
    return all(map(str.isidentifier, text.split('.')))


def _child(name: str, parent: Registry | None, package: str, modules: tuple[str, ...]) -> Registry:
    return NameRegistry(
        name,
        build_func=with_place(build_from_cfg if parent is None else parent.build_func),
        parent=parent,
        scope='cpose',
        locations=[f'cpose.{package}.{module}' for module in modules],
    )


MODELS = _child(
    'model',
    MMENGINE_MODELS,
    'models',
    (
        'backbones.dla34_track',
        'backbones.fan',
        'backbones.frame_before',
        'backbones.timm_backbone',
        'data_preprocessor',
        'detectors.centerpose',
        'detectors.runtime_pose',
        'heads',
        'layers.convolutions',
        'losses.center_pose_loss',
        'losses.loss_terms',
        'losses.symmetry_assignments',
        'necks',
    ),
)
CODECS = _child(
    'codec', None, 'codecs', ('centerpose_codec', 'pnp', 'postprocessor', 'target_rules')
)
BRANCHES = _child(
    'branch',
    None,
    'codecs',
    (
        'branches',
        'heatmap_branches',
        'log_variance_branches',
        'tracking.motion_branches',
    ),
)
SYMMETRIES = _child('symmetry', None, 'codecs', ('symmetries',))
DATASETS = _child(
    'dataset',
    MMENGINE_DATASETS,
    'datasets',
    (
        'centerpose_dataset',
        'draws',
        'image_folder_dataset',
        'synthetic_cuboid_dataset',
        'synthetic_video_dataset',
        'video_pair_dataset',
    ),
)
TRANSFORMS = _child(
    'transform',
    MMENGINE_TRANSFORMS,
    'datasets.transforms',
    ('affine', 'color_jitter', 'loading', 'symmetries'),
)
SHAPES = _child(
    'shape', None, 'datasets.synthetic.shapes', ('book', 'bottle', 'carton', 'cup', 'laptop')
)
METRICS = _child(
    'metric',
    MMENGINE_METRICS,
    'evaluation',
    (
        'objectron_metric',
        'protocols.one_to_one_protocol',
        'protocols.tao_protocol',
        'protocols.scale_rules',
        'tracks.track_metric',
    ),
)
METRIC_SPECS = _child('metric_spec', None, 'evaluation', ('metric_table',))
VISUALIZERS = _child('visualizer', MMENGINE_VISUALIZERS, 'visualization', ('pose_visualizer',))
HOOKS = _child(
    'hook',
    MMENGINE_HOOKS,
    'engine.hooks',
    (
        'atomic_checkpoint_hook',
        'fine_tuning_hooks',
        'pose_visualization_hook',
        'rich_progress_hook',
        'status_hook',
        'tao_checkpoint_hook',
        'training_hooks',
    ),
)
RUNNERS = _child('runner', MMENGINE_RUNNERS, 'engine', ('pose_runner',))
LOOPS = _child(
    'loop',
    MMENGINE_LOOPS,
    'engine.loops',
    ('iter_train_loop', 'test_loops', 'train_loop'),
)
MODEL_WRAPPERS = _child('model_wrapper', MMENGINE_MODEL_WRAPPERS, 'engine', ('processes',))
OPTIM_WRAPPERS = _child('optim_wrapper', MMENGINE_OPTIM_WRAPPERS, 'engine', ('acceleration',))
WEIGHT_INITIALIZERS = _child(
    'weight initializer', MMENGINE_WEIGHT_INITIALIZERS, 'checkpoints', ('pretrained',)
)
WEIGHT_FAMILIES = _child('weight family', None, 'checkpoints', ('families',))
CHECKPOINT_FORMATS = _child('checkpoint format', None, 'checkpoints', ('safetensors_file',))
RUNTIMES = _child(
    'runtime',
    None,
    'deploy.runtimes',
    ('onnx_runtime', 'tensorrt_runtime', 'torch_runtime'),
)
SCALE_SOURCES = _child(
    'scale source', None, 'metric_scale', ('depth_images', 'known_sizes', 'planes')
)
TRACKERS = _child('tracker', None, 'tracking', ('corner_tracker', 'pose_tracker'))
INFERENCERS = _child(
    'inferencer', MMENGINE_INFERENCERS, 'apis', ('inference.centerpose_inferencer',)
)

# Nothing of ours yet; without them MMEngine warns at every look-up from this scope.
DATA_SAMPLERS = _child('data_sampler', MMENGINE_DATA_SAMPLERS, 'engine', ())
EVALUATOR = _child('evaluator', MMENGINE_EVALUATOR, 'engine', ())
FUNCTIONS = _child('function', MMENGINE_FUNCTIONS, 'engine', ())
LOG_PROCESSORS = _child('log_processor', MMENGINE_LOG_PROCESSORS, 'engine', ())
OPTIMIZERS = _child('optimizer', MMENGINE_OPTIMIZERS, 'engine', ())
OPTIM_WRAPPER_CONSTRUCTORS = _child(
    'optim_wrapper_constructor', MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS, 'engine', ()
)
PARAM_SCHEDULERS = _child('param_scheduler', MMENGINE_PARAM_SCHEDULERS, 'engine', ())
VISBACKENDS = _child('vis_backend', MMENGINE_VISBACKENDS, 'engine', ())


def all_registries() -> list[Registry]:
    """Return the registries of this project, then those of MMEngine."""
    own = [value for value in globals().values() if isinstance(value, Registry)]
    first = [registry for registry in own if registry.scope == 'cpose']
    return first + [value for value in vars(root).values() if isinstance(value, Registry)]


def find_registered(registry: Registry, name: str) -> Any:
    """Return what is registered by a name, None without any.

    MMEngine raises errors of its own for texts that are no names, such as an empty one.
    """
    return registry.get(name) if is_dotted_name(name) else None
