import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def launch(script, *words):
    paths = os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])
    return subprocess.run(
        ['sh', str(ROOT / 'tools' / script), *words],
        env={**os.environ, 'PYTHONPATH': paths, 'PYTHON': sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_an_error_of_the_user_is_said_once():
    done = launch('dist_test.sh', '-', 'nowhere.pth', '2')
    assert done.returncode == 2
    assert done.stderr.strip() == 'cpose test: nowhere.pth does not exist. Give a .pth file.'


@pytest.mark.slow
def test_other_failures_are_those_of_torchrun(tmp_path):
    script = tmp_path / 'fails.py'
    script.write_text('raise SystemExit(3)')
    module = ('-m', 'cpose.cli.launch_processes', '--standalone')
    done = subprocess.run(
        [sys.executable, *module, str(script)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert 'exitcode  : 3' in done.stderr
