"""Section ``automl``."""

from typing import Any, Literal

from cpose.tao.spec.sections.keys import Number, Positive, Section, Text, Whole, key
from cpose.tao.spec.sections.train import MOST_SEED

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
    hyperparameters: list[Text] = key(
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
