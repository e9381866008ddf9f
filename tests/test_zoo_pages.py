"""The pages of the zoo say what its metafile says."""

from importlib import util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SPEC = util.spec_from_file_location('render_zoo', ROOT / 'tools' / 'render_zoo.py')
render_zoo = util.module_from_spec(SPEC)
SPEC.loader.exec_module(render_zoo)


@pytest.mark.parametrize(('path', 'text'), render_zoo.pages().items(), ids=str)
def test_pages_are_current(path, text):
    assert (ROOT / path).read_text(encoding='utf-8') == text, 'run: python tools/render_zoo.py'


def test_a_row_shows_results_and_weights():
    model = {
        'Name': 'small_cup',
        'Config': 'configs/centerpose/small_cup.py',
        'Metadata': {'Backbone': 'small', 'Category': 'cup'},
        'Results': [{'Dataset': 'cups', 'Metrics': {'AP50': 0.5}}],
        'Weights': 'small_cup.safetensors',
    }
    row = render_zoo.render_table([model]).splitlines()[-1]
    cells = row.strip('| ').split(' | ')
    assert cells[:4] == ['[small_cup](small_cup.py)', 'small', 'cup', 'cups: AP50 0.5']
    assert cells[4] == '[file](small_cup.safetensors)'
