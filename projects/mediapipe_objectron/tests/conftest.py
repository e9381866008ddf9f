"""The project's folder on the import path, and a small package in the form of the npm one."""

import io
import json
import sys
import tarfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
if str(PROJECT) not in sys.path:
    sys.path.insert(0, str(PROJECT))

NAMES = ('???', 'Boot', 'Chair', 'Mug', 'Coffee cup', 'Footwear', 'Camera')
NETWORKS = {
    f'object_detection_3d_{name}.tflite': f'network of {name}'.encode()
    for name in ('sneakers', 'chair', 'cup', 'camera')
}


def make_files(version='0.4.1675468480', name='@mediapipe/objectron'):
    """Return the files of a package whose networks are a few words each."""
    labels, detector = '\n'.join(NAMES).encode(), b'the detector'
    places = [
        {'filename': '/object_detection_oidv4_labelmap.txt', 'start': 0, 'end': len(labels)},
        {
            'filename': '/a/b/object_detection_ssd_mobilenetv2_oidv4_fp16.tflite',
            'start': len(labels),
            'end': len(labels) + len(detector),
        },
    ]
    metadata = json.dumps({'files': places, 'remote_package_size': len(labels + detector)})
    return {
        'package.json': json.dumps({'name': name, 'version': version}).encode(),
        'objectron_solution_packed_assets_loader.js': (
            f'var f = function(metadata) {{ }};\n loadPackage({metadata});\n\n}})();'.encode()
        ),
        'objectron_solution_packed_assets.data': labels + detector,
        'README.md': b'not needed',
        **NETWORKS,
    }


def write_archive(path, files):
    """Write a .tgz as ``npm pack`` does."""
    with tarfile.open(path, 'w:gz') as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f'package/{name}')
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def package_files():
    return make_files


@pytest.fixture
def pack(tmp_path):
    def write(files, name='objectron.tgz'):
        return write_archive(tmp_path / name, files)

    return write
