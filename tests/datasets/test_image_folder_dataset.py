import numpy as np
import pytest
from mmengine.registry import DefaultScope

from cpose.datasets.image_folder_dataset import ImageFolderDataset
from cpose.errors import ConfigError, DataError

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
    assert sample.truth is sample.candidates is sample.intrinsics is None


def test_files_and_camera(root):
    path = str(root / 'b.png')
    dataset = ImageFolderDataset([path, path], PIPELINE, camera=(10, 11, 5, 6))
    assert len(dataset) == 2
    np.testing.assert_array_equal(
        dataset[1]['data_samples'].intrinsics, [[10, 0, 5], [0, 11, 6], [0, 0, 1]]
    )


def test_wrong_arguments(root):
    with pytest.raises(DataError, match='is not a folder'):
        ImageFolderDataset(str(root / 'none'), PIPELINE)
    with pytest.raises(ConfigError, match='fx, fy, cx and cy'):
        ImageFolderDataset(str(root), PIPELINE, camera=(1, 2, 3))
