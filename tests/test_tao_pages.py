"""The tables of docs/tao.md say what the definitions of the spec say."""

from importlib import util
from pathlib import Path

import pytest

from cpose.tao.spec.key_list import spec_keys
from cpose.tao.spec.readings import READINGS

ROOT = Path(__file__).parents[1]
SPEC = util.spec_from_file_location('render_tao_keys', ROOT / 'tools' / 'render_tao_keys.py')
render_tao_keys = util.module_from_spec(SPEC)
SPEC.loader.exec_module(render_tao_keys)


def test_document_is_current():
    text = render_tao_keys.DOCUMENT.read_text(encoding='utf-8')
    assert render_tao_keys.update_document(text) == text, 'run: python tools/render_tao_keys.py'


def test_every_key_has_a_row_with_its_meaning():
    rows = {
        line.split('`')[1]: line
        for line in render_tao_keys.key_tables().splitlines()
        if line.startswith('| `')
    }
    assert list(rows) == list(spec_keys())
    for key, schema in spec_keys().items():
        assert schema['description'] in rows[key]
        assert schema.get('only_because', '') in rows[key]
    assert all(line.count(' | ') == 4 for line in rows.values())


def test_tables_are_put_between_their_marks():
    marks = [f'<!-- {name} -->\nOUTDATED\n<!-- end of {name} -->' for name in ('readings', 'keys')]
    page = f'before\n{marks[0]}\nbetween\n{marks[1]}\nafter'
    text = render_tao_keys.update_document(page)
    assert 'OUTDATED' not in text
    assert text.startswith('before\n<!-- readings -->\n| key')
    assert text.endswith('\n<!-- end of keys -->\nafter')
    with pytest.raises(AssertionError, match='no place for keys'):
        render_tao_keys.update_document('nothing')


def test_keys_exist_and_need_no_warning():
    assert set(render_tao_keys.SETTLED) <= set(spec_keys())
    assert not set(render_tao_keys.SETTLED) & {reading.key for reading in READINGS}


def test_every_disagreement_has_a_row():
    rows = render_tao_keys.readings_table().splitlines()[2:]
    assert len(rows) == len(READINGS) + len(render_tao_keys.SETTLED) + len(render_tao_keys.FILES)
    assert sum('a warning says so' in row for row in rows) == len(READINGS)


def test_chosen_defaults_are_those_of_the_definitions():
    for key in ('dataset.batch_size', 'dataset.workers', 'train.num_epochs', 'train.seed'):
        assert render_tao_keys.SETTLED[key][1].split(',')[0] == str(spec_keys()[key]['default'])
