import subprocess
import sys
from threading import Timer

import pytest

from cpose.errors import OutputError
from cpose.tao.automl.trials import TrialFolder

from ...child_processes import started
from ...user_errors import raises

HOLD = """
import sys, time
from pathlib import Path
from cpose.tao.automl.trials import TrialFolder
with TrialFolder(Path(sys.argv[1])).held():
    print('held', flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_left_when_its_process_was_killed(tmp_path):
    folder = TrialFolder(tmp_path / 'trial_000')
    assert not folder.is_left()
    command = [sys.executable, '-c', HOLD, str(folder.path)]
    with started(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == 'held\n'
        assert not folder.is_left()
    assert folder.is_left()


def test_training_waits_for_the_one_before(tmp_path):
    folder = TrialFolder(tmp_path)
    with (
        folder.training_lock() as lock,
        started(['sleep', '600'], pass_fds=(lock.fileno(),)) as child,
    ):
        lock.close()
        with raises(OutputError, path=tmp_path), folder.training_lock(0.1):
            pass
        Timer(0.3, child.kill).start()
        with folder.training_lock():
            pass


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / 'file').touch()
    folder = TrialFolder(tmp_path / 'file/t')
    with raises(OutputError, path=folder.path / 'search.lock'), folder.held():
        pass
