"""Section ``wandb``."""

from cpose.tao.spec.keys import Section, Text, key


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
