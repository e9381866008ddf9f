import subprocess
import sys

import pytest

from cpose.cli import command_process

FAULTS = """
import resource
import torch
from cpose.cli.command_process import keep_freed_memory

{call}
for _ in range(20):
    torch.ones(20_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    torch.ones(20_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def count_faults(call):
    command = [sys.executable, '-c', FAULTS.format(call=call)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
@pytest.mark.skipif(
    command_process.platform.libc_ver()[0] != 'glibc',
    reason='only glibc can be told to keep memory',
)
def test_freed_memory_is_used_again():
    faults = count_faults('')
    if faults == 0:
        pytest.skip('the system counts no minor faults')
    assert count_faults('keep_freed_memory()') * 4 < faults


def test_other_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(command_process.platform, 'libc_ver', lambda: ('', ''))
    monkeypatch.setattr(command_process.ctypes, 'CDLL', None)
    command_process.keep_freed_memory()
