"""Programs that tests start: written, waited for and ended."""

import os
import subprocess
import time
from contextlib import contextmanager

import pytest

LONGEST_WAIT = 600
"""Seconds after which a process hangs; a slow machine needs many times what a fast one does."""


def write_program(file, text):
    """Write a program that is found in PATH, or skip where nothing in its folder may be run."""
    file.write_text(text)
    file.chmod(0o755)
    if not os.access(file, os.X_OK):
        pytest.skip(f'{file.parent} is mounted noexec')


@contextmanager
def started(command, **options):
    """Start a process; it does not outlive the block."""
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(is_done, process):
    """Wait for what a running process brings about."""
    end = time.monotonic() + LONGEST_WAIT
    while not is_done():
        assert process.poll() is None, f'{process.args} ended with code {process.returncode}'
        assert time.monotonic() < end, f'{process.args} hangs'
        time.sleep(0.02)
