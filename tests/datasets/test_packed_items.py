import pytest
from mmengine.dataset import Compose, pseudo_collate

from cpose.datasets.base_dataset import CheckedCollate, check_packed
from cpose.datasets.transforms.affine import LetterboxAffine
from cpose.error_places import ConfigPlace
from cpose.errors import ConfigError

from ..user_errors import raises

PACKED = {'inputs': 1, 'data_samples': 'a'}


def test_packed_items_pass():
    check_packed(PACKED, [Compose([])])
    batch = CheckedCollate(pseudo_collate, [Compose([])])([PACKED, PACKED])
    assert batch == {'inputs': [1, 1], 'data_samples': ['a', 'a']}


@pytest.mark.parametrize('item', [{'img': 1}, {'inputs': 1}, None])
def test_others_name_the_key_and_the_steps(item):
    place = ConfigPlace(('test_dataloader.dataset.pipeline',))
    with raises(ConfigError, '(LetterboxAffine)', argument='pipeline', place=place):
        CheckedCollate(pseudo_collate, [Compose([LetterboxAffine()])], place)([PACKED, item])
