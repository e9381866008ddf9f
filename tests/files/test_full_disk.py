"""A full disk is an error, and leaves nothing that looks complete; limits of the system play it."""

import resource
from contextlib import contextmanager

import cv2
import numpy as np
import pytest
import torch

from cpose.apis.inference.image_sources import SourceImage
from cpose.apis.inference.result_writer import ResultWriter
from cpose.apis.inference.video_file import VideoFile, box_names
from cpose.checkpoints.checkpoint_file import save_checkpoint_atomic
from cpose.datasets.annotations.file_index import RESULTS_MARK
from cpose.errors import OutputError
from cpose.evaluation.dump import write_dump
from cpose.evaluation.report import write_metrics_json
from cpose.files.model_files import write_model_atomic
from cpose.structures.object_pose import PoseResult, VideoFrame
from cpose.visualization.pictures import write_picture

NOISE = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
FRAMES = 12


@contextmanager
def room(num_bytes):
    """Let no file grow beyond a size; what is longer fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def result():
    return PoseResult('a.png', (128, 96), None, [])


def write_results(folder, name, frame=None):
    with ResultWriter(folder) as writer:
        for number in range(1 if frame is None else FRAMES):
            place = None if frame is None else VideoFrame('v', number, number / 5, 5.0)
            writer.write(
                SourceImage(name.format(number), f'a.png#{number}', NOISE, place), result()
            )


WRITERS = {
    'json of a result': (lambda folder: write_results(folder, 'a'), 100),
    'picture of a result': (lambda folder: write_results(folder, 'a'), 5000),
    'video': (lambda folder: write_results(folder, 'v/{:06d}', 'v'), 12_000),
    'video without a first block': (lambda folder: write_results(folder, 'v/{:06d}', 'v'), 1000),
    'png': (lambda folder: write_picture(folder / 'a.png', NOISE), 5000),
    'checkpoint': (
        lambda folder: save_checkpoint_atomic(
            folder / 'a.pth', {'state_dict': {'a': torch.zeros(5000)}, 'meta': {}}
        ),
        5000,
    ),
    'model': (lambda folder: write_model_atomic(folder / 'a.onnx', bytes(9000)), 5000),
    'report': (lambda folder: write_metrics_json(folder / 'a.json', {'a': [1.5] * 5000}), 5000),
    'dump': (lambda folder: write_dump(folder / 'a.json', [], {'category': ['a' * 9000]}), 5000),
}


def files_of(folder):
    """Return the files of results; the folders of `infer` have a mark besides."""
    return [path for path in folder.rglob('*') if path.is_file() and path.name != RESULTS_MARK]


@pytest.mark.parametrize('name', WRITERS)
def test_full_disk(tmp_path, name):
    write, num_bytes = WRITERS[name]
    with room(num_bytes), pytest.raises(OutputError):
        write(tmp_path)
    left = files_of(tmp_path)
    assert all(path.suffix == '.json' and path.stat().st_size < num_bytes for path in left), left
    write(tmp_path)  # with room all goes well
    assert files_of(tmp_path)


def write_until(error, folder, name, path):
    with ResultWriter(folder, save_json=False) as writer:
        frame = VideoFrame(name, 0, 0.0, 5.0)
        writer.write(SourceImage(f'{name}/0', f'{path}#0', NOISE, frame), result())
        raise error


def test_a_video_that_an_error_ends(tmp_path):
    """It can be played, and its name tells that it is not whole."""
    with pytest.raises(RuntimeError):
        write_until(RuntimeError, tmp_path, 'v', 'v.mp4')
    assert [file.name for file in files_of(tmp_path)] == ['v.incomplete.mp4']


def test_ctrl_c_is_how_a_camera_ends(tmp_path):
    for path in ('webcam:0', 'webcam_0.mp4'):
        folder = tmp_path / path
        with pytest.raises(KeyboardInterrupt):
            write_until(KeyboardInterrupt, folder, 'webcam_0', path)
        (file,) = files_of(folder)
        assert ('incomplete' in file.name) == ('mp4' in path)


def test_boxes_of_a_video(tmp_path):
    """The mark is a box of its own, and a file that is cut anywhere has none."""
    file = tmp_path / 'a.mp4'
    video = VideoFile(file, 5.0, (128, 96))
    for _ in range(FRAMES):
        video.write(NOISE)
    video.close()
    names = box_names(file)
    assert {b'ftyp', b'mdat', b'moov'} <= set(names)
    assert names[-1] == b'free'
    assert cv2.VideoCapture(str(file)).get(cv2.CAP_PROP_FRAME_COUNT) == FRAMES
    content = file.read_bytes()
    for length in (len(content) - 1, len(content) // 2, 100, 5):
        file.write_bytes(content[:length])
        assert box_names(file) == []
