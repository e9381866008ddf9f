"""The whole spec."""

from pydantic import Field

from cpose.tao.spec.sections.automl import Automl
from cpose.tao.spec.sections.dataset import Dataset
from cpose.tao.spec.sections.engine import GenTrtEngine
from cpose.tao.spec.sections.inference import Evaluate, Export, Inference
from cpose.tao.spec.sections.keys import Secret, Section, Text, key
from cpose.tao.spec.sections.model import Model
from cpose.tao.spec.sections.train import Train


class Wandb(Section):
    """Logging to Weights & Biases."""

    enable: bool = key(
        True, 'Log there if a login exists (WANDB_API_KEY, or api.wandb.ai in ~/.netrc).'
    )
    project: Text = key('TAO Toolkit', 'Project.')
    entity: Text = key('', 'User or team.')
    group: Text = key('', 'Group of runs.')
    tags: list[Text] = key(['tao-toolkit'], 'Tags of the run.')
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
