import json
from dataclasses import asdict

import pytest

from cpose.annotation.adaptation.division import Division, read_division, write_division
from cpose.errors import DataError

from ...user_errors import raises

DIVISION = Division(
    root='photos',
    val_root='photos',
    train=['a.png'],
    val=['b.png'],
    num_scenes=2,
    left_out='',
    metainfo={'category': 'cup', 'symmetry': {'type': 'NoSymmetry'}},
    classes=None,
    is_like_model=True,
)


def test_round_trip(tmp_path):
    write_division(tmp_path / 'split.json', DIVISION)
    assert read_division(tmp_path / 'split.json') == DIVISION


@pytest.mark.parametrize(
    ('change', 'told'),
    [
        ({'metainfo': {'symmetry': {'type': 'os.system'}}}, 'os.system'),
        ({'more': 1}, 'fields'),
    ],
)
def test_files_that_this_project_did_not_write(tmp_path, change, told):
    path = tmp_path / 'split.json'
    path.write_text(json.dumps({**asdict(DIVISION), **change}))
    with raises(DataError, told, path=path):
        read_division(path)
