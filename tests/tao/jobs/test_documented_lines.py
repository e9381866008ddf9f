"""The lines of TAO's documentation in a real shell; ``cpose tao`` stands for ``tao centerpose``."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import cpose
from cpose.cli.main import main
from cpose.tao.jobs.job_store import ROOT_VARIABLE

SCRIPT = r"""
set -euo pipefail
wait_for() {
    for _ in $(seq 600); do
        STATUS=$(cpose tao get-job --job-id "$1" | jq -r '.status')
        if [ "$STATUS" = Done ]; then return 0; fi
        if [ "$STATUS" = Error ]; then cpose tao get-job-logs --job-id "$1" >&2; return 1; fi
        sleep 2
    done
    return 1
}
TRAIN=$(cpose tao create-job --kind experiment --name boxes --action train \
    --workspace-id here --specs "$SPECS" \
    --train-datasets '["data"]' --eval-dataset data | jq -r '.id')
wait_for "$TRAIN"
EVALUATE=$(cpose tao create-job --kind experiment --name boxes_evaluate --action evaluate \
    --parent-job-id "$TRAIN" --eval-dataset data | jq -r '.id')
wait_for "$EVALUATE"
INFERENCE=$(cpose tao create-job --kind experiment --name boxes_inference --action inference \
    --parent-job-id "$TRAIN" --inference-dataset data | jq -r '.id')
wait_for "$INFERENCE"
EXPORT=$(cpose tao create-job --kind experiment --name boxes_export --action export \
    --parent-job-id "$TRAIN" | jq -r '.id')
wait_for "$EXPORT"
cpose tao list-jobs | jq -r '.[] | [.name, .status] | @tsv' > jobs.tsv
cpose tao get-job --job-id "$EXPORT" | jq -r '.results_dir' > export.txt
cpose tao get-job --job-id "$INFERENCE" | jq -r '.results_dir' > inference.txt
"""
SPECS = """{
    "dataset": {"category": "cuboid", "batch_size": 2, "workers": 0, "input_res": 64},
    "model": {"backbone": {"model_type": "DLA34"}},
    "train": {"num_epochs": 1, "checkpoint_interval": 1, "validation_interval": 1},
    "inference": {"principle_point_x": 32, "principle_point_y": 32, "focal_length_x": 60,
                  "focal_length_y": 60}
}"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which('jq') is None, reason='jq is not installed')
def test_jobs_of_the_documentation_run_in_a_shell(tmp_path):
    assert main(['synth', str(tmp_path / 'data'), '--num', '4', '--size', '96', '72']) == 0
    environment = {
        **os.environ,
        'SPECS': SPECS,
        ROOT_VARIABLE: str(tmp_path / 'jobs'),
        'PYTHONPATH': str(Path(cpose.__file__).parents[1]),
        'PYTHON': sys.executable,
    }
    lines = 'cpose() { "$PYTHON" -m cpose.cli.main "$@"; }\n' + SCRIPT
    run = subprocess.run(
        ['bash', '-c', lines], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr[-3000:]
    listed = sorted((tmp_path / 'jobs.tsv').read_text().split('\n')[:-1])
    names = ('boxes', 'boxes_evaluate', 'boxes_export', 'boxes_inference')
    assert listed == [f'{name}\tDone' for name in names]
    assert list(Path((tmp_path / 'export.txt').read_text().strip()).parent.glob('*.onnx'))
    results = Path((tmp_path / 'inference.txt').read_text().strip())
    assert len([path for path in results.rglob('*.json') if path.name != 'status.json']) == 4
