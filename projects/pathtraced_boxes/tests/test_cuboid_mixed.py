from pathlib import Path

import numpy as np
from mmengine.registry import DefaultScope

from cpose.apis.config.check import check_config
from cpose.apis.config.load import load_config
from cpose.cli.main import main
from cpose.registry import DATASETS

CONFIG = Path(__file__).parents[1] / 'configs' / 'cuboid_mixed.py'


def test_drawn_and_rendered_pictures_are_mixed(tmp_path):
    assert main(['synth', str(tmp_path / 'set'), '--num', '2', '--size', '128', '128']) == 0
    key = 'train_dataloader.dataset.datasets.1.data_root'
    config = load_config(CONFIG, {key: str(tmp_path / 'set')})
    check_config(config)
    with DefaultScope.overwrite_default_scope('cpose'):
        dataset = DATASETS.build(config.train_dataloader.dataset)
    assert len(dataset) == len(dataset.datasets[0]) + 2
    item = dataset[len(dataset) - 1]
    size = config.train_dataloader.dataset.datasets[0].input_wh
    assert tuple(item['inputs'].shape[:0:-1]) == tuple(size)
    assert np.isfinite(item['data_samples'].annotations.keypoints_gl).all()
