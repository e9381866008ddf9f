"""Install the lowest versions that ``pyproject.toml`` allows, all together, and use them.

A fresh virtual environment gets exactly the lower bounds of the core dependencies and of some
extras, everything else as pip chooses it; then ``tools/smoke_test.py`` runs there. The environment
is several gigabytes and is removed at the end.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from packaging.markers import default_environment
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = ('deploy', 'tao')
LOWEST_PYTHON = 'python3.10'


def lower_bounds(pyproject: Path, extras: tuple[str, ...], python_version: str) -> list[str]:
    """Return ``name==version`` for every dependency that holds for a version of Python.

    Raises:
        ValueError: If a dependency has not exactly one lower bound.
    """
    project = tomllib.loads(pyproject.read_text(encoding='utf-8'))['project']
    texts = list(project['dependencies'])
    for extra in extras:
        texts += project['optional-dependencies'][extra]
    environment = {**default_environment(), 'python_version': python_version}
    pins = []
    for requirement in map(Requirement, texts):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            bounds = [item.version for item in requirement.specifier if item.operator == '>=']
            if len(bounds) != 1:
                raise ValueError(f'{requirement} has {len(bounds)} lower bounds, expected 1.')
            pins.append(f'{requirement.name}=={bounds[0]}')
    return pins


def python_version(python: str) -> str | None:
    """Return the version of an interpreter, such as 3.10; None if it does not run."""
    words = [python, '-c', 'import sys; print("{}.{}".format(*sys.version_info))']
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def check(python: str, version: str, folder: Path) -> None:
    """Install the lower bounds below a folder and run the smoke test there.

    Raises:
        subprocess.CalledProcessError: If a version cannot be installed or the test fails.
    """
    pins = lower_bounds(ROOT / 'pyproject.toml', EXTRAS, version)
    sys.stdout.write('\n'.join([f'Python {version} ({python}) in {folder}', *pins, '']))
    sys.stdout.flush()
    constraints = folder / 'lower_bounds.txt'
    constraints.write_text('\n'.join(pins) + '\n', encoding='utf-8')
    subprocess.run([python, '-m', 'venv', folder / 'environment'], check=True)
    own = folder / 'environment/bin/python'
    pip = [own, '-m', 'pip', '--disable-pip-version-check', 'install', '--quiet']
    subprocess.run([*pip, '--upgrade', 'pip'], check=True)
    # Wheels only: a version without one for this Python is no lower bound for it.
    wheels = ['--only-binary', ':all:', '--no-cache-dir']
    package = f'{ROOT}[{",".join(EXTRAS)}]'
    subprocess.run([*pip, *wheels, '--constraint', constraints, package], check=True)
    subprocess.run([own, ROOT / 'tools/smoke_test.py', folder / 'smoke'], check=True, cwd=folder)


def main() -> int:
    """Parse the command line and return the exit code."""
    parser = argparse.ArgumentParser(description='Test the lower bounds of the dependencies.')
    found = LOWEST_PYTHON if python_version(LOWEST_PYTHON) else sys.executable
    parser.add_argument('--python', default=found, help='interpreter (default: %(default)s)')
    parser.add_argument('--folder', type=Path, help='new folder for the environment, is removed')
    args = parser.parse_args()
    version = python_version(args.python)
    if version is None:
        parser.error(f'--python {args.python} does not run. Give the path of an interpreter.')
    if args.folder:
        args.folder.mkdir(parents=True)
    folder = (args.folder or Path(tempfile.mkdtemp(prefix='cpose_lower_bounds_'))).resolve()
    try:
        check(args.python, version, folder)
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f'{error}\n')
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
