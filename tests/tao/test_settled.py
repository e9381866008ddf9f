from cpose.tao.key_table import FILES, SETTLED, readings_table
from cpose.tao.spec.key_list import spec_keys
from cpose.tao.spec.readings import READINGS


def test_keys_exist_and_need_no_warning():
    assert set(SETTLED) <= set(spec_keys())
    assert not set(SETTLED) & {reading.key for reading in READINGS}


def test_every_disagreement_has_a_row():
    rows = readings_table().splitlines()[2:]
    assert len(rows) == len(READINGS) + len(SETTLED) + len(FILES)
    assert sum('a warning says so' in row for row in rows) == len(READINGS)


def test_chosen_defaults_are_those_of_the_definitions():
    for key in ('dataset.batch_size', 'dataset.workers', 'train.num_epochs', 'train.seed'):
        assert SETTLED[key][1].split(',')[0] == str(spec_keys()[key]['default'])
