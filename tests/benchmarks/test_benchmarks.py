"""The cheapest benchmarks run, and the document is made from stored figures."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from ..child_processes import LONGEST_WAIT

FOLDER = Path(__file__).parents[2] / 'benchmarks'
FIELDS = {'name', 'value', 'unit', 'reference', 'reference_source', 'ratio', 'note'}
OPTIONS = {'capture_output': True, 'text': True, 'timeout': LONGEST_WAIT}

FIGURE = {
    'name': 'decode an image', 'value': 1.25, 'unit': 'ms', 'reference': 5.0,
    'reference_source': 'plain decoding in the same run', 'ratio': 4.0, 'note': '100 detections',
}  # fmt: skip
RATE = {**FIGURE, 'name': 'samples', 'unit': 'images/s', 'reference': 2.5, 'ratio': 0.5}
BARE = {**FIGURE, 'name': 'memory', 'unit': 'MB', 'reference': None, 'ratio': None}


def run(script, *arguments):
    command = [sys.executable, str(FOLDER / f'{script}.py'), *map(str, arguments)]
    return subprocess.run(command, check=False, **OPTIONS)


def stored_results(**changes):
    section = {'seconds': 3.0, 'foreign_cores': 0.01, 'figures': [FIGURE, RATE, BARE], **changes}
    machine = {'processor': 'Some CPU', 'cores': '2', 'torch': '2.15.0'}
    return {'quick': False, 'machine': machine, 'results': {'decode': section}}


def write_report(tmp_path, stored):
    source, target = tmp_path / 'figures.json', tmp_path / 'benchmarks.md'
    source.write_text(json.dumps(stored))
    done = run('run_all', '--from-json', source, '--markdown', target)
    return done, target.read_text()


SMALL = ['--models', 'mobilenetv4_small', '--size', 64, '--modes', 'fp32', 'bf16']


@pytest.mark.slow
@pytest.mark.parametrize(
    ('script', 'arguments', 'title'),
    [
        ('decode', ['--threads', 1], 'Decoding and encoding'),
        ('pose', [], 'From detections'),
        ('gpu', ['--device', 'cpu', *SMALL], 'On a GPU'),
    ],
)
def test_quick_run_writes_figures(script, arguments, title, tmp_path):
    out = tmp_path / 'figures.json'
    done = run(script, '--quick', '--out', out, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(title)
    figures = json.loads(out.read_text())
    assert len(figures) >= 4
    assert any(figure['reference'] for figure in figures)
    for figure in figures:
        assert set(figure) == FIELDS
        assert all(isinstance(figure[name], str) for name in ('name', 'unit', 'note'))
        assert figure['value'] > 0
        assert math.isfinite(figure['value'])
        assert (figure['ratio'] is None) == (figure['reference'] is None)
        if figure['reference'] is not None:
            ratio = figure['reference'] / figure['value']
            is_rate = figure['unit'] == 'images/s'
            assert figure['ratio'] == pytest.approx(1 / ratio if is_rate else ratio)
            assert figure['reference_source']


@pytest.mark.slow
def test_worker_keeps_its_memory(tmp_path):
    out = tmp_path / 'figures.json'
    done = run('worker_memory', '--quick', '--out', out)
    assert done.returncode == 0, done.stderr
    early, late = (figure['value'] for figure in json.loads(out.read_text()))
    assert 0 < late < 1.03 * early


def test_document_of_an_idle_machine(tmp_path):
    done, text = write_report(tmp_path, stored_results())
    assert done.returncode == 0, done.stderr
    source = FIGURE['reference_source']
    assert f'| decode an image | 1.25 ms | 5 ms | 4× | {source} | 100 detections |' in text
    assert f'| samples | 1.25 images/s | 2.50 images/s | 0.500× | {source} |' in text
    assert '| memory | 1.25 MB |  |  |' in text
    assert '| processor | Some CPU |' in text
    assert '## Decoding and encoding' in text
    assert 'shared' not in text
    assert '--quick' not in text


def test_document_of_a_shared_machine(tmp_path):
    _, text = write_report(tmp_path, stored_results(foreign_cores=1.34))
    assert 'The machine was shared' in text
    assert 'used 1.3 cores' in text


def test_failed_benchmark_is_reported(tmp_path):
    stored = stored_results(figures=[], error='Traceback\nRuntimeError: no boxes')
    done, text = write_report(tmp_path, stored)
    assert done.returncode == 1
    assert 'RuntimeError: no boxes' in text


@pytest.mark.slow
def test_section_without_its_package(tmp_path):
    out = tmp_path / 'figures.json'
    hidden = 'sys.modules["onnxruntime"] = None'
    code = f'import runpy, sys; {hidden}; runpy.run_module("runtimes", run_name="__main__")'
    command = [sys.executable, '-c', code, '--out', str(out)]
    done = subprocess.run(command, cwd=FOLDER, check=True, **OPTIONS)
    assert "left out without onnxruntime: pip install 'cpose[deploy]'" in done.stderr
    assert json.loads(out.read_text()) == []
    _, text = write_report(tmp_path, stored_results(figures=[]))
    assert 'Left out: a package or a device that it needs is missing.' in text


def test_every_script_is_run():
    shown = run('run_all', '--only', 'unknown').stderr
    scripts = {path.stem for path in FOLDER.glob('*.py') if "'__main__'" in path.read_text()}
    for name in scripts - {'run_all'}:
        assert f"'{name}'" in shown, f'add {name} to SCRIPTS in benchmarks/run_all.py'
