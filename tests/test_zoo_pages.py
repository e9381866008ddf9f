"""The pages of the zoo say what its metafile says."""

from importlib import util
from pathlib import Path

import pytest

from cpose.apis.metafile import read_metafile

from .apis.zoo_scenes import FACTS, write_metafile

ROOT = Path(__file__).parents[1]
SPEC = util.spec_from_file_location('render_zoo', ROOT / 'tools' / 'render_zoo.py')
render_zoo = util.module_from_spec(SPEC)
SPEC.loader.exec_module(render_zoo)


@pytest.mark.parametrize('path', render_zoo.pages(), ids=str)
def test_pages_are_current(path):
    text = render_zoo.pages()[path]
    assert (ROOT / path).read_text(encoding='utf-8') == text, 'run: python tools/render_zoo.py'


def test_the_example_of_a_metafile_is_one(tmp_path):
    page = (ROOT / 'docs' / 'zoo.md').read_text(encoding='utf-8')
    text = page.partition('```yaml\n')[2].partition('```')[0]
    (tmp_path / 'metafile.yml').write_text(text)
    (model,) = read_metafile(tmp_path / 'metafile.yml')
    assert model.metric('shelf') == 0.81


def cells(line):
    return line.strip('| ').split(' | ')


def test_rows_show_figures_and_weights(tmp_path):
    weights = {'Weights': 'https://a.org/b.pth', 'SHA256': 'ab' * 32, 'Bytes': 2_000_000}
    plain = {'Name': 'plain', 'Config': 'plain.py', 'Metadata': FACTS['Metadata']}
    models = read_metafile(write_metafile(tmp_path, {**FACTS, **weights}, plain))
    *_, row = render_zoo.render_table(models).splitlines()
    assert cells(row)[:2] == ['tiny', 'cup']
    assert cells(row)[5] == '0.81'
    assert cells(row)[-1] == '[download](https://a.org/b.pth)'
    *_, row = render_zoo.render_configs(models).splitlines()
    assert cells(row) == ['[plain](plain.py)', 'test_resnet', 'cup', '–']
    assert '## tiny\n' in render_zoo.render_cards(models)
