"""The page on what files of others may do names readers and tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / 'docs' / 'reliability.md').read_text()
READING = re.compile(
    r'json\.loads?\(|yaml\.\w*load\w*\(|torch\.load\(|np\.(load|fromfile)\(|tarfile\.open\(|'
    r'load_from_string\(|safe_open\('
)
"""Calls that read bytes of others."""
OWN_BYTES = {
    'cpose/files/json_files.py': 'the helper that readers of the table call',
    'cpose/files/download.py': 'answers of servers',
    'cpose/checkpoints/training_state.py': 'a name in its text, no call',
    'cpose/datasets/annotations/contradictions.py': 'text that the index of this project holds',
    'cpose/datasets/annotations/extras.py': 'text that the index of this project holds',
    'cpose/deploy/triton_repository.py': 'the config of a model file, of which it reads numbers',
    'cpose/engine/schedules.py': 'the config of a checkpoint, which it compares',
    'cpose/tao/jobs/job_specs.py': 'values of the command line',
    'cpose/tao/automl/search_space.py': 'options that the search itself has written',
    'cpose/deploy/onnx/export.py': 'what PyTorch has just exported',
    'cpose/engine/status_file.py': 'lines that this project appends to',
    'cpose/apis/zoo_files.py': 'a model of the hub, through the readers of the table',
}


@pytest.mark.parametrize('path', sorted(set(re.findall(r'`((?:cpose|tests)/[\w/]+\.py)`', TEXT))))
def test_named_files_exist(path):
    assert (ROOT / path).is_file()


def test_every_reader_is_listed():
    listed = set(re.findall(r'`(cpose/[\w/]+\.py)`', TEXT))
    found = {
        str(file.relative_to(ROOT))
        for file in (ROOT / 'cpose').rglob('*.py')
        if READING.search(file.read_text())
    }
    assert found - listed - set(OWN_BYTES) == set()
