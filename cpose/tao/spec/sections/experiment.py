"""The whole spec, with its sections ``model`` and ``wandb``."""

from typing import Any, Literal

from pydantic import Field

from cpose.tao.spec.sections.dataset import Dataset
from cpose.tao.spec.sections.keys import Number, Positive, Secret, Section, Text, Texts, Whole, key
from cpose.tao.spec.sections.tasks import Evaluate, Export, GenTrtEngine, Inference
from cpose.tao.spec.sections.train import MOST_SEED, Train

NEW = 'TAO has this in the settings of a job, not in the spec.'


class RangeOverride(Section):
    """An entry of ``automl.range_override``."""

    parameter: Text = key(..., 'Key of the spec, for example train.optim.lr.')
    valid_min: Number | None = key(None, 'Smallest value.')
    valid_max: Number | None = key(None, 'Largest value.')
    valid_options: list[Any] = key([], 'Values to choose from, in place of a range.')
    scale: Literal['auto', 'log', 'linear'] = key(
        'auto', 'How values are spread; auto: log for numbers above 0, linear for whole numbers.'
    )


class Automl(Section):
    """Search of hyper-parameters."""

    algorithm: Text = key('bayesian', 'bayesian, hyperband, bohb or asha.', NEW)
    max_recommendations: Positive = key(20, 'Trials of the whole search.', NEW)
    hyperparameters: Texts = key(
        [], 'Keys that are searched; empty: those that the schema marks with automl_enabled.', NEW
    )
    range_override: list[RangeOverride] = key(
        [], 'Ranges of keys; a key named here is searched.', NEW
    )
    metric: Text = key(
        'val_3DIoU',
        'Number of status.json that decides; less is better of losses and errors.',
        NEW,
    )
    max_epochs: Whole = key(0, 'Epochs of a trial; 0: train.num_epochs.', NEW, ge=0)
    reduction_factor: Whole = key(
        3, 'One of this many trials goes on at each rung of hyperband, bohb and asha.', NEW, ge=2
    )
    storage: Text = key(
        '', 'URL of a database that processes share; empty: SQLite in the results.', 'New here.'
    )
    study_name: Text = key('automl', 'Name of the search in the storage.', 'New here.')
    seed: Whole = key(
        1234, 'Seed of the search; -1: another one each time.', 'New here.', ge=-1, le=MOST_SEED
    )
    delete_intermediate_ckpt: bool = key(
        True, 'Keep the last and the best checkpoint of a finished trial, of a stopped one none.'
    )


class Backbone(Section):
    """Section ``model.backbone``."""

    model_type: Literal['DLA34', 'fan_small', 'fan_base', 'fan_large'] = key(
        'fan_small', 'Feature extractor.', 'The table of the documentation has DLA34 as default.'
    )
    pretrained_backbone_path: Text = key(
        '',
        'File with ImageNet weights of the backbone.',
        'Loaded whenever it is given; TAO leaves it out unless model.use_pretrained is true.',
    )


class Model(Section):
    """The network; evaluate, inference and export take it from a checkpoint that carries it."""

    down_ratio: Literal[4, 8, 16] = key(4, 'Input pixels per heatmap cell.', 'TAO: 4 only.')
    final_kernel: Whole = key(
        1,
        'Kernel of the last convolution of a branch.',
        only_because='the branches end in a 1×1 convolution, as in all published weights',
    )
    last_level: Whole = key(
        5,
        'Coarsest level of DLA34 that is used.',
        only_because='the neck merges all levels, as in all published weights',
    )
    head_conv: Whole = key(
        256, 'Hidden channels of a branch.', 'TAO: 256 only.', ge=32, multiple_of=32
    )
    out_channel: Whole = key(
        0, "Channels of the fused map; 0: the backbone's own choice.", 'TAO: DLA34 only.', ge=0
    )
    use_convGRU: bool = key(  # noqa: N815, the name in specs
        True, 'Pass a ConvGRU from group to group of branches.'
    )
    use_pretrained: bool = key(
        False,
        'Start from ImageNet weights: a FAN needs their path, DLA34 downloads them without one.',
        'The full example of the documentation has true.',
    )
    backbone: Backbone = Field(default_factory=Backbone)


class Wandb(Section):
    """Logging to Weights & Biases."""

    enable: bool = key(
        True, 'Log there if a login exists (WANDB_API_KEY, or api.wandb.ai in ~/.netrc).'
    )
    project: Text = key('TAO Toolkit', 'Project.')
    entity: Text = key('', 'User or team.')
    group: Text = key('', 'Group of runs.')
    tags: Texts = key(['tao-toolkit'], 'Tags of the run.')
    reinit: bool = key(False, 'Allow several runs in one process.')
    sync_tensorboard: bool = key(False, 'Copy what TensorBoard gets.')
    save_code: bool = key(False, 'Save the code of the run.')
    name: Text = key('TAO Toolkit Training', 'Name of the run.')
    run_id: Text = key('', 'Run to continue.')


class Experiment(Section):
    """A spec of TAO's CenterPose."""

    model_name: Text = key('', 'Name of the experiment in checkpoints and logs.')
    encryption_key: Secret = key(
        '', 'Key of encrypted model files.', 'The tables have none, the templates tlt_encode.'
    )
    results_dir: Text = key(
        '/results',
        'Folder of all results; those of a task go to a folder of its name.',
        'The documentation has /results as default, the schema none.',
    )
    wandb: Wandb = Field(default_factory=Wandb)
    dataset: Dataset = Field(default_factory=Dataset)
    train: Train = Field(default_factory=Train)
    model: Model = Field(default_factory=Model)
    evaluate: Evaluate = Field(default_factory=Evaluate)
    inference: Inference = Field(default_factory=Inference)
    export: Export = Field(default_factory=Export)
    gen_trt_engine: GenTrtEngine = Field(default_factory=GenTrtEngine)
    automl: Automl = Field(default_factory=Automl)
