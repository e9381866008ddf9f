import json
from argparse import Namespace

import pytest

from benchmarks.real.ablation import VARIANTS, main, training_options
from cpose.apis.config.check import check_config
from cpose.apis.config.load import load_config
from cpose.cli.option_values import read_value


def read_options(name):
    asked = Namespace(epochs=8, images=400, size=160)
    pairs = (text.split('=', 1) for text in training_options(name, asked))
    return {key: read_value(value) for key, value in pairs}


@pytest.mark.parametrize('name', VARIANTS)
def test_a_variant_differs_from_the_base_by_its_options(name):
    plain, changed = (
        load_config('efficientnet_lite0_cuboid', read_options(variant))
        for variant in ('base', name)
    )
    check_config(changed)
    assert changed.train_cfg.max_epochs == 8
    assert changed.param_scheduler[1].end == 8
    drawn = [data.input_wh for data in changed.train_dataloader.dataset.datasets]
    assert drawn == [(160, 160)] * 3
    assert changed.test_dataloader.dataset.input_wh == (160, 160)
    assert (changed.to_dict() == plain.to_dict()) is (name == 'base')


def test_complete_trainings_are_told_again(tmp_path, capsys):
    """Nothing is trained where the figures are there; sets without photographs are a dash."""
    numbers = {'synthetic': {'AP50_3DIoU': 0.5, 'mean_3DIoU': 0.25}}
    photographs = {'AP50_3DIoU': 0.125, 'mean_3DIoU': 1.0, 'MPE_2D_px': 12.25}
    for name, found in {
        'base': {**numbers, 'photographs': photographs},
        'frozen0': numbers,
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / 'figures_3.json').write_text(json.dumps(found))
    page = tmp_path / 'page.md'
    words = ['--out', str(tmp_path), '--epochs', '3', '--variants', 'base', 'frozen0']
    main([*words, '--markdown', str(page)])
    text = page.read_text()
    assert text == capsys.readouterr().out
    assert '| base | plain pictures | 0.500 | 0.250 | 0.125 | 1.000 | 12.2 |' in text
    assert '| frozen0 | no frozen stages | 0.500 | 0.250 | – | – | – |' in text
    assert '--epochs 3 --images 4000 --size 256 --variants ROW' in text
    assert '- frozen0: `model.backbone.frozen_stages=0`' in text
