"""Calls that are timed in a process of their own."""

import subprocess
import sys
from pathlib import Path

from ..child_processes import LONGEST_WAIT

FOLDER = Path(__file__).parents[2] / 'benchmarks'
SCRIPT = """
import os
import sys
import time
from functools import partial

sys.path.insert(0, {folder!r})
from measure import time_calls
from other_process import other_process


def make_sleep(parent):
    assert os.getpid() != parent
    return partial(time.sleep, 0.02)


def make_nothing():
    raise RuntimeError('this call cannot be made')


if __name__ == '__main__':
    with other_process(make_sleep, os.getpid()) as call:
        times = time_calls({{'there': call, 'here': str}}, runs=3)
    print(times['there'].fastest >= 20, times['here'].fastest < 20, times['there'].processor < 20)
    try:
        with other_process(make_nothing) as call:
            call()
    except (EOFError, OSError):
        print('ended')
"""


def test_times_are_those_of_the_other_process_and_its_end_is_noticed(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text(SCRIPT.format(folder=str(FOLDER)))
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_WAIT,
    )
    assert done.stdout.split() == ['True', 'True', 'True', 'ended'], done.stderr
    assert 'this call cannot be made' in done.stderr
