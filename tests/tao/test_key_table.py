from pathlib import Path

import pytest

from cpose.tao.key_table import key_tables, main, update_document
from cpose.tao.spec.key_list import spec_keys

DOCUMENT = Path(__file__).parents[2] / 'docs/tao.md'


def test_document_is_current():
    text = DOCUMENT.read_text()
    assert update_document(text) == text, 'run: python -m cpose.tao.key_table docs/tao.md'


def test_every_key_has_a_row_with_its_meaning():
    rows = {
        line.split('`')[1]: line for line in key_tables().splitlines() if line.startswith('| `')
    }
    assert list(rows) == list(spec_keys())
    for key, schema in spec_keys().items():
        assert schema['description'] in rows[key]
        assert schema.get('only_because', '') in rows[key]
    assert all(line.count(' | ') == 4 for line in rows.values())


def test_tables_are_put_between_their_marks(tmp_path):
    file = tmp_path / 'a.md'
    marks = [f'<!-- {name} -->\nOUTDATED\n<!-- end of {name} -->' for name in ('readings', 'keys')]
    file.write_text(f'before\n{marks[0]}\nbetween\n{marks[1]}\nafter')
    main(str(file))
    text = file.read_text()
    assert 'OUTDATED' not in text
    assert text.startswith('before\n<!-- readings -->\n| key')
    assert text.endswith('\n<!-- end of keys -->\nafter')
    with pytest.raises(AssertionError, match='no place for keys'):
        update_document('nothing')
