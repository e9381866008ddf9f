import json
import os
import signal
import textwrap

import pytest
import yaml
from torch.distributed.elastic.multiprocessing.api import SignalException

from cpose.cli.main import main
from cpose.tao.jobs import processes
from cpose.tao.jobs.processes import run_processes

WORDS = ['tao', 'train', '-e', 's.yaml', 'a=1']


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Give the variables back that are set for the processes."""
    for name in ('CUDA_VISIBLE_DEVICES', 'OMP_NUM_THREADS', 'TORCHELASTIC_SIGNALS_TO_HANDLE'):
        monkeypatch.setenv(name, '')
        monkeypatch.delenv(name)


@pytest.mark.parametrize(('given', 'expected'), [(None, '3,1'), ('4,5,6,7', '7,5')])
def test_one_process_for_each_gpu(tmp_path, monkeypatch, given, expected):
    calls = []
    monkeypatch.setattr(processes, 'run', calls.append)
    if given:
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', given)
    assert run_processes(WORDS, [3, 1], tmp_path) == 0
    (options,) = calls
    assert (options.nproc_per_node, options.standalone) == ('2', True)
    assert (options.module, options.training_script) == (True, 'cpose.cli.main')
    assert options.training_script_args == [*WORDS, '--launcher', 'pytorch']
    assert os.environ['CUDA_VISIBLE_DEVICES'] == expected


def test_interruption(tmp_path, monkeypatch):
    def stop(options):
        raise SignalException('stopped', signal.SIGTERM)

    monkeypatch.setattr(processes, 'run', stop)
    assert run_processes(WORDS, [0, 1], tmp_path) == 143
    assert not list(tmp_path.iterdir())


PROGRAM = """
    import os, signal, sys, time
    from pathlib import Path
    from cpose.engine.status_file import FAILURE, StatusFile
    file = StatusFile(Path(sys.argv[1]) / 'status.json')
    if os.environ['RANK'] == '0':
        time.sleep(60)
"""
ENDS = {
    'os.kill(os.getpid(), signal.SIGKILL)': (137, ['Process 1 got SIGKILL, see']),
    'sys.exit(3)': (3, ['Process 1 ended with exit code 3, see']),
    'file.write(FAILURE, "no data")\nsys.exit(2)': (2, ['no data']),
}


@pytest.mark.slow
@pytest.mark.parametrize('program', ENDS)
def test_every_failure_is_told_once(tmp_path, monkeypatch, capfd, program):
    (tmp_path / 'work.py').write_text(textwrap.dedent(PROGRAM) + program)
    (tmp_path / 'status.json').write_text('{"status": "FAILURE", "message": "before"}\n')
    parse = processes.parse_args

    def parse_program(words):
        options = parse(words)
        options.module, options.training_script = False, str(tmp_path / 'work.py')
        options.training_script_args = [str(tmp_path)]
        return options

    monkeypatch.setattr(processes, 'parse_args', parse_program)
    code, messages = ENDS[program]
    assert run_processes(WORDS, [0, 1], tmp_path) == code
    _, *lines = map(json.loads, (tmp_path / 'status.json').read_text().splitlines())
    assert [line['status'] for line in lines] == ['FAILURE'] * len(messages)
    assert all(map(str.startswith, (line['message'] for line in lines), messages))
    assert 'Traceback' not in capfd.readouterr().err


@pytest.mark.slow
def test_training_in_two_processes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(['synth', 'data', '--num', '2', '--size', '64', '64']) == 0
    spec = {
        'results_dir': 'results',
        'dataset': {'train_data': 'data', 'category': 'chair'},
        'model': {'head_conv': 32, 'use_convGRU': False, 'backbone': {'model_type': 'DLA34'}},
        'train': {'is_dry_run': True},
    }
    spec['dataset'] |= {'batch_size': 1, 'workers': 0, 'input_res': 64, 'output_res': 16}
    (tmp_path / 'spec.yaml').write_text(yaml.safe_dump(spec))
    results = tmp_path / 'results/train'
    assert run_processes(['tao', 'train', '-e', 'spec.yaml'], [0, 1], results) == 0
    lines = [json.loads(line) for line in (results / 'status.json').read_text().splitlines()]
    assert [line['status'] for line in lines] == ['STARTED', 'RUNNING', 'SUCCESS']
    assert lines[1]['kpi']['train_loss'] > 0
    assert {'experiment.yaml', 'centerpose.py'} <= {file.name for file in results.iterdir()}
