"""The configs in the documentation load, as they stand there or on a shipped config."""

import re
from pathlib import Path

import pytest

from cpose.apis.config.load import load_config

DOCS = Path(__file__).parents[1] / 'docs'
KEYS = r'^(?:_base_|model|tracker|custom_hooks|(?:train|val|test)_\w+) = '
FIRST_LINE = "_base_ = 'cpose::centerpose/efficientnet_lite0_cuboid.py'\n"
BLOCKS = [
    pytest.param(text, id=f'{page.stem}-{number}')
    for page in sorted(DOCS.glob('*.md'))
    for number, text in enumerate(re.findall(r'```python\n(.*?)```', page.read_text('utf-8'), re.S))
    if re.search(KEYS, text, re.M) and '…' not in text
]


@pytest.mark.parametrize('text', BLOCKS)
def test_configs_in_the_documentation_load(tmp_path, text):
    whole = text if '_base_ = ' in text else FIRST_LINE + text
    file = tmp_path / 'config.py'
    file.write_text(whole.replace("'../_base_", "'cpose::_base_"))
    assert load_config(file).model
