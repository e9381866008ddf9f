"""Train once undisturbed, then again with the process killed over and over; print the figures.

Usage: python kill_repeatedly.py FOLDER. A child is forked from this process for every attempt, so
that nothing is imported twice.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
from toy_training import loader, toy_config

from cpose.checkpoints.checkpoint_file import find_resume_checkpoint
from cpose.files.atomic import UNFINISHED_SUFFIX
from cpose.registry import RUNNERS

OPTIONS = {
    'train_dataloader': loader(24, shuffle=True),
    'train_cfg.max_epochs': 3,
    'model.width': 4000,
    'default_hooks.checkpoint.iter_interval': 1,
    'default_hooks.checkpoint.keep_last': 1,
    'optim_wrapper.accumulative_counts': 3,
    'log_level': 'ERROR',
}
DEADLY_CALLS = ('fsync', 'replace', 'unlink')
"""System calls around a checkpoint at which some of the children die."""


def train(folder):
    """Train in ``folder`` from the last complete checkpoint, if there is one."""
    checkpoint = find_resume_checkpoint(folder)
    options = dict(OPTIONS)
    if checkpoint is not None:
        options.update({'resume': True, 'load_from': str(checkpoint)})
    RUNNERS.build(toy_config(folder, options)).train()


def die_at(call, count):
    """Kill this process in the middle of the ``count``-th call of that name."""
    original = getattr(os, call)
    calls = 0

    def deadly(*args, **kwargs):
        nonlocal calls
        calls += 1
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)

    setattr(os, call, deadly)


def fork(folder, deadly=None):
    """Start a child that trains; return its process number."""
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if deadly is not None:
            die_at(*deadly)
        code = 1
        try:
            train(folder)
            code = 0
        finally:
            os._exit(code)
    return child


def count_lines(file):
    return file.read_bytes().count(b'\n') if file.exists() else 0


def kill_after_iterations(folder, rng):
    """Kill a child some iterations and milliseconds after its start; return its wait status."""
    record = folder / 'losses.jsonl'
    wanted = count_lines(record) + rng.randint(1, 4)
    child = fork(folder)
    status = 0
    while count_lines(record) < wanted and status == 0:
        time.sleep(0.001)
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
    time.sleep(rng.uniform(0, 0.05))
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def main(root):
    torch.set_num_threads(1)
    rng = random.Random(5)
    folder = root / 'killed'
    folder.mkdir(parents=True)
    train(root / 'whole')
    attempts = [('time', None)] * 8
    attempts += [('call', (call, rng.randint(2, 6))) for call in DEADLY_CALLS for _ in range(2)]
    rng.shuffle(attempts)
    killed = unfinished = 0
    for kind, deadly in attempts:
        if kind == 'time':
            status = kill_after_iterations(folder, rng)
        else:
            status = os.waitpid(fork(folder, deadly), 0)[1]
        killed += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        unfinished += any(folder.glob(f'.*{UNFINISHED_SUFFIX}'))
    status = os.waitpid(fork(folder), 0)[1]
    figures = {
        'killed': killed,
        'unfinished': unfinished,
        'last_exit_code': os.waitstatus_to_exitcode(status),
    }
    sys.stdout.write(json.dumps(figures) + '\n')


if __name__ == '__main__':
    main(Path(sys.argv[1]))
