"""Section ``train`` with ``loss_config``."""

from typing import Literal

from pydantic import Field

from cpose.tao.spec.sections.keys import (
    GpuIds,
    Number,
    Positive,
    Section,
    Text,
    Whole,
    gpu_ids,
    key,
    num_gpus,
    num_nodes,
)

EITHER = 'Also in dataset: what is on in either section is on. TAO stops if it is on.'
BOTH = 'Also in dataset: what is off in either section is off.'
WEIGHT = 'TAO: whole numbers only.'


class LossConfig(Section):
    """Terms of the loss and their weights."""

    mse_loss: bool = key(False, 'Squared error in place of the focal loss of heatmaps.', EITHER)
    dense_hp: bool = key(False, 'Train displacements around the centre too.', EITHER)
    reg_loss: Literal['l1'] = key('l1', 'Kind of the regression losses.', 'TAO ignores the value.')
    num_stacks: Whole = key(
        1, 'Stacked networks.', only_because='none of the backbones repeats its outputs'
    )
    hps_uncertainty: bool = key(False, 'Predict the spread of displacements too.', EITHER)
    wh_weight: Number = key(0.1, 'Weight of the 2D box size.', 'TAO: 0.1 only.', ge=0)
    reg_bbox: bool = key(True, 'Train the size of the 2D box.', BOTH)
    reg_offset: bool = key(True, 'Train the sub-cell offset of the centre.', BOTH)
    reg_hp_offset: bool = key(True, 'Train the sub-cell offset of the corners.', BOTH)
    obj_scale: bool = key(True, 'Train the dimensions.', BOTH)
    obj_scale_weight: Number = key(1.0, 'Weight of the dimensions.', WEIGHT, ge=0)
    obj_scale_uncertainty: bool = key(False, 'Predict the spread of the dimensions too.', EITHER)
    use_residual: bool = key(
        False,
        'Predict the logarithm of the dimensions over those of dimension_ref.',
        'TAO stops if it is on.',
    )
    dimension_ref: Text = key(
        '',
        'Mean extents along x, y, z divided by y, for use_residual: "0.6, 1, 0.3"; for several '
        'categories three numbers for all, or three each.',
    )
    off_weight: Number = key(1.0, 'Weight of both sub-cell offsets.', WEIGHT, ge=0)
    hm_hp: bool = key(True, 'Train the heatmaps of the corners.', BOTH)
    hm_hp_weight: Number = key(1.0, 'Weight of the heatmaps of the corners.', WEIGHT, ge=0)
    hm_weight: Number = key(1.0, 'Weight of the heatmap of the centre.', WEIGHT, ge=0)
    hp_weight: Number = key(1.0, 'Weight of the displacements.', WEIGHT, ge=0)


NEWER = 'Newer releases of TAO only.'
MOST_SEED = 2**31 - 1


class Cudnn(Section):
    """Section ``train.cudnn``."""

    benchmark: bool = key(False, 'Let cuDNN measure which algorithm is fastest.')
    deterministic: bool = key(True, 'Let cuDNN use algorithms that always give the same result.')


class Optim(Section):
    """Section ``train.optim``."""

    lr: Number = key(
        6e-5,
        'Learning rate of Adam, of all weights.',
        'The documentation says without the backbone, but TAO trains it at this rate too.',
        automl=True,
        ge=0,
    )
    lr_scheduler: Literal['MultiStep'] = key(
        'MultiStep', 'Multiply the rate by lr_decay at lr_steps.', 'TAO ignores the value.'
    )
    lr_steps: list[Positive] = key([90, 120], 'Epochs after which the rate falls.')
    lr_decay: Number = key(0.1, 'Factor of the rate at each step.', automl=True, ge=0)


class Checkpointer(Section):
    """Section ``train.checkpointer``."""

    enable_topk: bool = key(False, 'Keep the best checkpoint too.', NEWER)
    replace_periodic: bool = key(
        False,
        'Keep only the best checkpoint.',
        NEWER,
        only_because='a stopped run could not go on without its latest checkpoint',
    )
    monitor: Literal['val_3DIoU', 'val_2DMPE'] = key('val_3DIoU', 'What the best is by.', NEWER)
    mode: Literal['max', 'min'] = key('max', 'Whether large or small is best.', NEWER)
    save_top_k: Whole = key(
        1, 'How many best ones are kept.', NEWER, only_because='the best one is kept, and all else'
    )
    filename: Text = key('model_best_{epoch:03d}', 'Name of the best checkpoint.', NEWER)
    dirpath: Text = key(
        '',
        'Another folder for checkpoints.',
        NEWER,
        only_because='checkpoints lie in train.results_dir, where resuming looks for them',
    )
    auto_insert_metric_name: bool = key(
        False,
        'Write the names of numbers into file names.',
        NEWER,
        only_because='the name is what filename says',
    )


class Train(Section):
    """Training."""

    num_gpus: Whole = num_gpus()
    gpu_ids: GpuIds = gpu_ids()
    num_nodes: Whole = num_nodes()
    seed: Whole = key(
        1234, 'Seed of all random numbers; -1: another one each time.', ge=-1, le=MOST_SEED
    )
    cudnn: Cudnn = Field(default_factory=Cudnn)
    num_epochs: Whole = key(10, 'Passes over the training data.', ge=1)
    checkpoint_interval: Whole = key(
        1,
        'Epochs or steps between checkpoints; the last epoch is always saved.',
        'TAO does not save the last epoch between intervals, and stops above num_epochs.',
        ge=1,
    )
    checkpoint_interval_unit: Literal['epoch', 'step'] = key(
        'epoch', 'Unit of checkpoint_interval.'
    )
    validation_interval: Whole = key(
        1,
        'Epochs between validations; the last epoch is always validated.',
        'TAO stops above num_epochs.',
        ge=1,
    )
    resume_training_checkpoint_path: Text = key(
        '',
        'Checkpoint of this project to continue from, instead of centerpose_model_latest.pth.',
        "The state of TAO's trainer cannot be continued: use pretrained_model_path.",
    )
    results_dir: Text = key('', 'Folder of checkpoints and logs; empty: <results_dir>/train.')
    checkpointer: Checkpointer = Field(default_factory=Checkpointer)
    pretrained_model_path: Text = key('', 'Weights of a whole model to start from.')
    clip_grad_val: Number = key(
        100.0, 'Longest gradient; 0: any.', 'The schema has at least 1, the documentation 0.', ge=0
    )
    is_dry_run: bool = key(False, 'Train and validate one batch, save no checkpoint.')
    precision: Literal['fp32', 'fp16', 'bf16'] = key(
        'fp32', 'fp16 and bf16: mixed precision.', 'bf16 is new here.'
    )
    optim: Optim = Field(default_factory=Optim)
    loss_config: LossConfig = Field(default_factory=LossConfig)
