import numpy as np
import pytest
from mmengine.registry import DefaultScope

from cpose.datasets.image_folder_dataset import ImageFolderDataset
from cpose.errors import ConfigError, DataError

from ..user_errors import raises
from .annotated_files import IMAGE_WH, write_pair

PIPELINE = [{'type': 'LoadPoseImage'}, {'type': 'LetterboxAffine'}, {'type': 'PackPoseInputs'}]


@pytest.fixture(autouse=True)
def cpose_scope():
    with DefaultScope.overwrite_default_scope('cpose'):
        yield


@pytest.fixture
def root(tmp_path):
    write_pair(tmp_path, 'b')
    write_pair(tmp_path, 'sub/a').write_text('not JSON')
    return tmp_path


def test_annotations_are_not_read(root):
    dataset = ImageFolderDataset(str(root), PIPELINE, input_wh=(64, 32))
    assert len(dataset) == 2
    packed = [dataset[i] for i in range(2)]
    assert [item['data_samples'].image_path for item in packed] == [
        str(root / 'b.png'),
        str(root / 'sub' / 'a.png'),
    ]
    sample = packed[0]['data_samples']
    assert packed[0]['inputs'].shape == (3, 32, 64)
    assert sample.image_wh == IMAGE_WH
    assert sample.annotations is sample.candidates is sample.intrinsics is None


def test_files_and_camera(root):
    path = str(root / 'b.png')
    dataset = ImageFolderDataset([path, path], PIPELINE, camera=(10, 11, 5, 6))
    assert len(dataset) == 2
    np.testing.assert_array_equal(
        dataset[1]['data_samples'].intrinsics, [[10, 0, 5], [0, 11, 6], [0, 0, 1]]
    )


def test_wrong_arguments(root):
    with raises(DataError, argument='data_root'):
        ImageFolderDataset(str(root / 'none'), PIPELINE)


@pytest.mark.parametrize(
    'camera',
    [(1, 2, 3), (1, 2, 3, 4, 5, 6), (0, 2, 3, 4), (1, -2, 3, 4), (1, 2, float('nan'), 4),
     (1, 2, '3', 4), '1234', 5],
    ids=str,
)  # fmt: skip
def test_wrong_cameras(root, camera):
    with raises(ConfigError, argument='camera'):
        ImageFolderDataset(str(root), PIPELINE, camera=camera)


def test_camera_with_skew(root):
    dataset = ImageFolderDataset(str(root), PIPELINE, camera=(10, 11, 5, 6, 0.5))
    assert dataset[0]['data_samples'].intrinsics[0].tolist() == [10, 0.5, 5]
