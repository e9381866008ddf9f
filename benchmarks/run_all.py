"""Run every benchmark and write the figures as one document.

Example: ``python benchmarks/run_all.py --markdown docs/benchmarks.md``. With ``--from-json`` the
document is written from figures that an earlier run stored with ``--json``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from machine import ForeignLoad, machine_facts
from report import make_report
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

FOLDER = Path(__file__).parent
SCRIPTS = (
    'forward',
    'gpu',
    'runtimes',
    'decode',
    'pose',
    'tracking',
    'data',
    'worker_memory',
    'synthetic',
    'iou3d',
    'metric',
)
"""In the order of the document."""

ENVIRONMENT = {'GOMP_SPINCOUNT': '10000'}
"""As the commands of cpose set it: threads look for work shortly, then sleep."""


def run_script(name: str, quick: bool) -> dict[str, Any]:
    """Run one benchmark; return its figures, seconds and other load, or its error."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / 'figures.json'
        command = [sys.executable, str(FOLDER / f'{name}.py'), '--out', str(out)]
        load, start = ForeignLoad(), time.perf_counter()
        done = subprocess.run(
            command + ['--quick'] * quick,
            env=ENVIRONMENT | os.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        result: dict[str, Any] = {
            'seconds': time.perf_counter() - start,
            'foreign_cores': load.cores(),
        }
        if done.returncode or not out.exists():
            return result | {'figures': [], 'error': done.stderr.strip() or 'no figures written'}
        return result | {'figures': json.loads(out.read_text())}


def run_scripts(names: Sequence[str], quick: bool, console: Console) -> dict[str, Any]:
    """Run benchmarks one after the other; return machine and results by script."""
    results = {}
    columns = (TextColumn('{task.description}'), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task('', total=len(names))
        for name in names:
            progress.update(task, description=name)
            found = results[name] = run_script(name, quick)
            outcome = f'[red]{found["error"]}' if 'error' in found else 'done'
            progress.console.print(f'{name}: {outcome}, {found["seconds"]:.0f} s', highlight=False)
            progress.advance(task)
        progress.update(task, description='all')
    return {'quick': quick, 'machine': machine_facts(), 'results': results}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure or read, then write; return 1 if a benchmark failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--quick', action='store_true', help='fewer runs, smaller sizes')
    parser.add_argument('--only', nargs='+', choices=SCRIPTS, default=SCRIPTS, metavar='NAME')
    parser.add_argument('--markdown', type=Path, help='document to write')
    parser.add_argument('--json', type=Path, help='file for the figures')
    parser.add_argument('--from-json', type=Path, help='stored figures instead of a measurement')
    args = parser.parse_args(argv)
    console = Console(stderr=True)
    if args.from_json:
        stored = json.loads(args.from_json.read_text())
    else:
        stored = run_scripts(args.only, args.quick, console)
    if args.json:
        args.json.write_text(json.dumps(stored, indent=1) + '\n')
    if args.markdown:
        args.markdown.write_text(make_report(stored))
        console.print(f'written: {args.markdown}', highlight=False)
    return int(any('error' in found for found in stored['results'].values()))


if __name__ == '__main__':
    raise SystemExit(main())
