import cv2
import numpy as np
import pytest

from cpose.datasets.centerpose_dataset import CenterPoseDataset
from cpose.datasets.synthetic.folder import prepare_folder, write_images
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.errors import ConfigError, OutputError

from ...user_errors import raises


def make_dataset(num_images=4, realism=None):
    return SyntheticCuboidDataset(
        num_images, image_wh=(96, 64), objects=(0, 2), seed=1, realism=realism
    )


def read_all(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name[0] != '.'}


def test_new_folder_is_made_and_old_files_are_kept(tmp_path):
    folder = prepare_folder(tmp_path / 'a' / 'b', force=False)
    assert folder.is_dir()
    (folder / '.hidden').touch()
    prepare_folder(folder, force=False)
    for name in ('cuboid_000001.jpg', 'cuboid_000001.json', 'cuboid_1.jpg', 'mine.jpg'):
        (folder / name).touch()
    with raises(OutputError, '4', argument='out'):
        prepare_folder(folder, force=False)
    prepare_folder(folder, force=True)
    assert sorted(read_all(folder)) == ['cuboid_1.jpg', 'mine.jpg']


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / 'file').touch()
    with raises(OutputError, argument='out'):
        prepare_folder(tmp_path / 'file', force=True)


@pytest.fixture
def _opencv_has_two_threads():
    """Threads that exist, and are gone before other tests fork processes."""
    cv2.setNumThreads(2)
    cv2.GaussianBlur(np.zeros((2000, 2000, 3), np.uint8), (9, 9), 2)
    yield
    cv2.setNumThreads(0)


@pytest.mark.usefixtures('_opencv_has_two_threads')
def test_files_do_not_depend_on_the_number_of_workers(tmp_path):
    contents = []
    for workers in (0, 2):
        folder = prepare_folder(tmp_path / str(workers), force=False)
        paths = list(write_images(make_dataset(), folder, workers))
        assert paths == [str(folder / f'cuboid_{k:06d}.jpg') for k in range(4)]
        contents.append(read_all(folder))
    assert contents[0] == contents[1]
    assert len(contents[0]) == 8
    assert cv2.getNumThreads() == 2


@pytest.mark.parametrize('realism', [{}, {'free_pose': 1.0}], ids=['standing', 'free'])
def test_the_reader_of_annotated_folders_accepts_them(tmp_path, realism):
    dataset = make_dataset(realism=realism)
    for _ in write_images(dataset, prepare_folder(tmp_path / 'data', force=False)):
        pass
    metainfo = {'category': 'cuboid', 'symmetry': {'type': 'cpose.CuboidSymmetry'}}
    found = CenterPoseDataset(str(tmp_path / 'data'), [], metainfo)
    assert len(found) == 4
    for index in range(4):
        expected, record = dataset.load_record(index), found.load_record(index)
        assert len(record.annotations) == len(expected.annotations)
        symmetries = found.get_data_info(index)['symmetries']
        assert [item.order for item in symmetries] == [4] * len(expected.annotations)


def test_negative_workers_are_refused(tmp_path):
    with raises(ConfigError, argument='workers', value=-1):
        write_images(make_dataset(), tmp_path, -1)
