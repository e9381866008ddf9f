"""A file of the project's runtime is scored and run like a checkpoint, its config with it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from cpose.apis import build_model, load_config
from cpose.cli.main import main

PROJECT = Path(__file__).parents[1]
MODULE = 'example_runtime.exported_program'
KINDS = ('pt2', 'pth')
TINY = {
    'test_dataloader.dataset.image_wh': (64, 64),
    'test_dataloader.dataset.input_wh': (64, 64),
    'test_dataloader.dataset.num_images': 3,
    'test_dataloader.num_workers': 0,
}


def run(*words):
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join([str(PROJECT), *sys.path])}
    done = subprocess.run(
        [sys.executable, '-m', *map(str, words)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """A config, a checkpoint with random weights, and its program."""
    folder = tmp_path_factory.mktemp('program')
    config = load_config('cpose::centerpose/quickstart.py', TINY)
    config.dump(folder / 'tiny.py')
    torch.manual_seed(0)
    model = build_model(config)
    torch.save(model.state_dict(), folder / 'tiny.pth')
    run(MODULE, folder / 'tiny.py', folder / 'tiny.pth', folder / 'tiny.pt2')
    return folder


@pytest.mark.slow
def test_scores_equal_those_of_the_checkpoint(files, monkeypatch):
    monkeypatch.syspath_prepend(str(PROJECT))
    imports = ('--cfg-options', f'custom_imports.imports=[{MODULE}]')
    words = ['-', files / 'tiny.pt2', '--out', files / 'pt2.json', *imports]
    assert main(['test', *map(str, words), '--work-dir', str(files / 'work')]) == 0
    words = [files / 'tiny.py', files / 'tiny.pth', '--out', files / 'pth.json']
    assert main(['test', *map(str, words), '--work-dir', str(files / 'work')]) == 0
    program, checkpoint = (json.loads((files / f'{kind}.json').read_text()) for kind in KINDS)
    assert program['num_images'] == 3
    for key in ('AP50_3DIoU', 'mean_3DIoU', 'MPE_2D_px'):
        np.testing.assert_allclose(
            np.nan_to_num(program[key] or 0), np.nan_to_num(checkpoint[key] or 0), rtol=1e-4
        )


@pytest.mark.slow
def test_detections_equal_those_of_the_network(files, monkeypatch):
    monkeypatch.syspath_prepend(str(PROJECT))
    from example_runtime.exported_program import ExportedProgramRuntime

    runtime = ExportedProgramRuntime(files / 'tiny.pt2')
    inputs = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    model = build_model(str(files / 'tiny.py'), files / 'tiny.pth')
    with torch.inference_mode():
        expected = model.head.codec.decode(model(inputs, mode='tensor'))
    found = runtime(inputs)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-3)
