"""The whole spec."""

from pydantic import Field

from cpose.tao.spec.automl import Automl
from cpose.tao.spec.dataset import Dataset
from cpose.tao.spec.engine import GenTrtEngine
from cpose.tao.spec.evaluate import Evaluate
from cpose.tao.spec.export import Export
from cpose.tao.spec.inference import Inference
from cpose.tao.spec.keys import Secret, Section, Text, key
from cpose.tao.spec.model import Model
from cpose.tao.spec.train import Train
from cpose.tao.spec.wandb import Wandb


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
