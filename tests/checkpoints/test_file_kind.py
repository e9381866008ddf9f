import io

import cv2
import numpy as np
import pytest
import torch

from cpose.checkpoints.checkpoint_file import describe_kind


def legacy_checkpoint():
    stream = io.BytesIO()
    torch.save({'weight': torch.zeros(100)}, stream, _use_new_zipfile_serialization=False)
    return stream.getvalue()


def picture():
    return cv2.imencode('.png', np.zeros((4, 4, 3), np.uint8))[1].tobytes()


KINDS = {
    'text': (lambda: 'weights für später\n'.encode(), 'a text file'),
    'lfs': (lambda: b'version https://git-lfs.github.com/spec/v1\noid 1', 'Git LFS'),
    'page': (lambda: b'\n<!DOCTYPE html><html>sign in</html>', 'a web page'),
    'image': (picture, 'an image'),
    'legacy': (legacy_checkpoint, 'cut off or damaged'),
    'onnx': (lambda: b'\x08\x0a\x12\x07pytorch\x1a\x062.15.0', 'an ONNX file'),
    'engine': (lambda: b'ptrt\x00\x00\x01', 'a TensorRT engine'),
}


@pytest.mark.parametrize('kind', KINDS)
def test_kinds(tmp_path, kind):
    write, expected = KINDS[kind]
    (tmp_path / 'file').write_bytes(write())
    assert expected in describe_kind(tmp_path / 'file')


def test_unknown(tmp_path):
    (tmp_path / 'file').write_bytes(bytes(range(256)))
    assert describe_kind(tmp_path / 'file') == ''
