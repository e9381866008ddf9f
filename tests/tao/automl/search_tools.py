"""A spec to search with, and trials that compute in place of training."""

import json
import math
import time

from cpose.engine.status_file import StatusFile

SPEC = """
results_dir: {results}
dataset:
  train_data: {data}
  val_data: {data}
train:
  num_epochs: 4
  optim:
    lr: 0.001
    lr_steps: [2]
automl:
  max_recommendations: 6
"""


def write_spec(folder, text=SPEC, **extra):
    (folder / 'data').mkdir(exist_ok=True)
    file = folder / 'spec.yaml'
    file.write_text(text.format(results=folder / 'results', data=folder / 'data', **extra))
    return file


def value_of(values, epoch):
    """Return what a trial measures: best at a learning rate of 0.003, growing with epochs."""
    rate = values['train']['optim']['lr']
    return (epoch + 1) / 4 * math.exp(-abs(math.log(rate / 0.003)))


def quick_trial(job, report):
    """Measure without training, one line in a log for each call."""
    for epoch in range(job.values['train']['num_epochs']):
        value = value_of(job.values, epoch)
        file = StatusFile(job.folder.status)
        file.write('RUNNING', 'Eval metrics generated.', {job.metric: str(value)}, epoch=epoch)
        if report(epoch, value):
            return


def slow_trial(job, report):
    """Take a second, and tell of start and end."""
    log(job, 'start')
    time.sleep(1)
    quick_trial(job, report)
    log(job, 'end')


def log(job, event):
    with (job.folder.path.parent / 'events.jsonl').open('a') as file:
        rate = job.values['train']['optim']['lr']
        file.write(json.dumps([event, job.folder.path.name, rate]) + '\n')


def read_log(folder):
    return [json.loads(line) for line in (folder / 'events.jsonl').read_text().splitlines()]
