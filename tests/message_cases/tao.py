"""Specs of TAO that are wrong, and jobs that cannot run."""

import tarfile
from pathlib import Path

import torch

from cpose.checkpoints.checkpoint_file import save_checkpoint_atomic
from cpose.engine.hooks.tao_checkpoint_hook import LATEST
from cpose.tao.automl.report import plot_trials
from cpose.tao.automl.search import check_algorithm
from cpose.tao.automl.search_space import build_space
from cpose.tao.automl.study import open_storage, open_study, storage_url
from cpose.tao.automl.trials import TrialFolder, load_search_spec
from cpose.tao.jobs.archives import data_folder
from cpose.tao.jobs.automl_settings import search_keys
from cpose.tao.jobs.job_specs import JobRequest, create_job
from cpose.tao.jobs.job_store import JobStore
from cpose.tao.jobs.processes import choose_gpus
from cpose.tao.spec.schema import job_schema
from cpose.tao.spec.spec_file import load_spec
from cpose.tao.tasks.export import export_file
from cpose.tao.tasks.gen_trt_engine import check_input, engine_request, quantization_settings
from cpose.tao.tasks.inference import inference_options
from cpose.tao.tasks.train import find_resume
from cpose.tao.translation.data_part import input_wh
from cpose.tao.translation.model_part import branch_losses, model_part

SPEC = """\
results_dir: results
dataset: {train_data: a, val_data: b, test_data: c, inference_data: d}
"""
TRT = 'gen_trt_engine.tensorrt'
RANGE = 'automl.range_override'
FLIP = '{parameter: dataset.flip, valid_min: 0, valid_max: 1}'


def text(content):
    """Return a case that loads a spec of this text."""

    def run(folder):
        (folder / 'spec.yaml').write_bytes(content.encode('latin-1'))
        load_spec(folder / 'spec.yaml')

    return run


def words(*given, task=None, then=lambda spec: None):
    """Return a case that loads a spec with overrides, and does something with it."""

    def run(folder):
        (folder / 'spec.yaml').write_text(SPEC)
        then(load_spec(folder / 'spec.yaml', given, task))

    return run


def search(*given):
    """Return a case that loads the spec of a search and builds its parameters."""

    def run(folder):
        (folder / 'spec.yaml').write_text(SPEC)
        build_space(load_search_spec(folder / 'spec.yaml', given)[0])

    return run


def search_range(entries, name='train.optim.lr'):
    return search(f'{RANGE}=[{{parameter: {name}, {entries}}}]')


def pack(folder, name='x', kind=tarfile.REGTYPE):
    """Write an archive with one member and return its path."""
    path = folder / 'a.tar'
    member = tarfile.TarInfo(name)
    member.type = kind
    with tarfile.open(path, 'w') as content:
        content.addfile(member)
    return str(path)


def archive(*member):
    return lambda folder: data_folder(pack(folder, *member), folder / 'out')


def damaged_archive(folder):
    (folder / 'a.tar').write_bytes(b'no archive')
    data_folder(str(folder / 'a.tar'), folder / 'out')


def gpus(number, task, *given):
    """Return a case with a number of GPUs that are visible."""

    def choose(spec):
        count, torch.cuda.device_count = torch.cuda.device_count, lambda: number
        try:
            choose_gpus(spec, task)
        finally:
            torch.cuda.device_count = count

    return words(*given, then=choose)


def resume(*given):
    """Return a case that continues from a checkpoint without state of training."""

    def run(spec):
        save_checkpoint_atomic(LATEST, {'state_dict': {}})
        find_resume(spec, Path())

    return words(*given, then=run)


def job(**fields):
    """Return a case that creates a job of a training."""

    def run(folder):
        create_job(JobStore(folder / 'jobs'), JobRequest('train', **fields))

    return run


def other_settings(folder):
    import optuna

    for settings in ({'train.seed': '1'}, {'train.seed': '2'}):
        storage = open_storage(storage_url('', folder), print)
        open_study(storage, 'mine', 'maximize', optuna.pruners.NopPruner(), settings)


def folder_in_use(folder):
    place = TrialFolder(folder)
    with place.training_lock(), place.training_lock(0):
        pass


def plot_nothing(path):
    import optuna

    plot_trials(path, optuna.create_study(), [], 'val_3DIoU')


def below_a_file(call):
    """Return a case that writes below a file."""

    def run(folder):
        (folder / 'file').touch()
        call(folder / 'file/a')

    return run


SPECS = {
    'spec that does not exist': lambda folder: load_spec('none.yaml'),
    'spec that is no text': text('\xff\xfe\0'),
    'spec that is no yaml': text('train: [1'),
    'spec with an odd character': text('a: 1\nb: x\0y\n'),
    'spec that is a list': text('- 1\n'),
    'spec without end': text('a: &x\n  b: *x\n'),
    'spec with a key twice': text('train:\n  seed: 1\n  seed: 2\n'),
    'spec with a secret without quotes': text('encryption_key: *secret'),
    'key that is unknown': text('dataset:\n  use_pnp: 1\n'),
    'value out of range': text('train:\n  num_epochs: 0\n'),
    'value of another type': text('train:\n  gpu_ids: [0, -1]\n'),
    'value that is none of several': text('train:\n  precision: fp64\n'),
    'value that cannot apply': text('dataset:\n  num_joints: 9\n'),
    'only one value': text('train:\n  optim:\n    lr_scheduler: Cosine\n'),
    'values that are wrong': text('train:\n  seed: x\n  num_epochs: y\n'),
    'secret that is a number': text('encryption_key: 0123'),
    'secret with a reference': words('encryption_key=a${results_dir}'),
    'template of a config': words("results_dir='{{$HOME:x}}'"),
    'override without value': words('train.seed'),
    'override that is no yaml': words('train.seed=[1'),
    'override that enters no section': words('results_dir.a=1'),
    'override with a secret': words('encryption_key=[secret'),
    'reference to nothing': words('model_name=${b.c}'),
    'reference to itself': words('model_name=${model_name}'),
    'reference to a resolver': words('model_name=${eval:1+1}'),
    'reference to the secret': words('encryption_key=a', 'model_name=${encryption_key}'),
    'value that a task needs': words(task='export'),
    'one of two values that a task needs': words(task='evaluate'),
    'two values where one can be': words(
        'evaluate.checkpoint=a.pth', 'evaluate.trt_engine=a.engine', task='evaluate'
    ),
    'value that a template leaves open': words('model.head_conv=???', task='train'),
    'gpu that is named twice': words('train.gpu_ids=[1,1]'),
    'no folder for results': words('results_dir=', then=lambda spec: spec.results_dir('train')),
    'action that is unknown': lambda folder: job_schema('trian'),
    'base experiment that is unknown': lambda folder: job_schema('train', 'dla34_bik'),
}
JOBS = {
    'job that is unknown': lambda folder: JobStore(folder / 'jobs').find('x'),
    'job with several folders': job(datasets={'train_datasets': '["a", "b"]'}),
    'job without a spec': job(specs='[1]'),
    'input of an engine': words(
        'gen_trt_engine.input_width=256',
        'gen_trt_engine.onnx_file=x.onnx',
        then=lambda spec: check_input(spec, (512, 512)),
    ),
    'key given in two ways': text('train.seed: 1\ntrain:\n  randomseed: 2\n'),
    'gpus that are not there': gpus(2, 'train', 'train.gpu_ids=[2]'),
    'gpus on a machine without': gpus(0, 'train', 'train.num_gpus=2'),
    'inference on two gpus': gpus(2, 'inference', 'inference.num_gpus=2'),
    'losses that exclude each other': words(
        *('train.loss_config.dense_hp=true', 'train.loss_config.hps_uncertainty=true'),
        then=branch_losses,
    ),
    'weights of a FAN': words(
        'model.use_pretrained=true', 'model.backbone.model_type=fan_small', then=model_part
    ),
    'reference of dimensions': words(
        *('dataset.use_absolute_scale=false', 'train.loss_config.use_residual=true'),
        'train.loss_config.dimension_ref="1, 2"',
        then=model_part,
    ),
    'size of the output': words('dataset.output_res=64', then=input_wh),
    'export to another format': words('export.onnx_file=x.etlt', then=export_file),
    'camera in part': words('inference.focal_length_x=600', then=inference_options),
    'layers of a strongly typed network': words(
        f'{TRT}.layers_precision=["/conv:fp32"]', then=quantization_settings
    ),
    'layer without precision': words(
        f'{TRT}.layers_precision=["/conv"]', f'{TRT}.data_type=int8', then=quantization_settings
    ),
    'batch size of an engine': words(
        *('gen_trt_engine.batch_size=4', 'gen_trt_engine.onnx_file=x.onnx'),
        then=lambda spec: engine_request(spec, static_batch=2),
    ),
    'checkpoint to resume of another kind': resume(
        'train.resume_training_checkpoint_path=model.onnx'
    ),
    'checkpoint to resume without state': resume(f'train.resume_training_checkpoint_path={LATEST}'),
    'checkpoint found without state': resume(),
    'archive that is missing': lambda folder: data_folder('none.tar.gz', folder),
    'archive that is damaged': damaged_archive,
    'archive that leaves its folder': archive('../x'),
    'archive with a link': archive('x', tarfile.SYMTYPE),
    'archive extracted below a file': below_a_file(
        lambda place: data_folder(pack(place.parents[1]), place)
    ),
}
SEARCHES = {
    'search without folder': search('results_dir='),
    'search without validation': search('dataset.val_data='),
    'search of a dry run': search('train.is_dry_run=true'),
    'parameter that is unknown': search('automl.hyperparameters=[train.optim.rate]'),
    'parameter that cannot be searched': search('automl.hyperparameters=[train.num_epochs]'),
    'parameter without range': search('automl.hyperparameters=[dataset.category]'),
    'range that is half': search_range('valid_min: 0.1'),
    'range out of bounds': search_range('valid_min: -1, valid_max: 1'),
    'range that is exchanged': search_range('valid_min: 0.1, valid_max: 0.01'),
    'range from zero on a log scale': search_range('valid_min: 0, valid_max: 1, scale: log'),
    'range of a text': search_range('valid_min: 1, valid_max: 2', 'train.precision'),
    'range with options': search_range('valid_min: 0.1, valid_options: [0.1]'),
    'option that is not allowed': search_range('valid_options: [fp8]', 'train.precision'),
    'range given twice': search(f'{RANGE}=[{FLIP},{FLIP}]'),
    'algorithm that is unknown': lambda folder: check_algorithm('grid'),
    'algorithm without counterpart': lambda folder: check_algorithm('pbt'),
    'storage that is no url': lambda folder: open_storage('study', print),
    'storage below a file': below_a_file(lambda place: storage_url('', place)),
    'study of other settings': other_settings,
    'trial that is in use': folder_in_use,
    'picture below a file': below_a_file(plot_nothing),
}
SETTINGS = {
    'settings that are no JSON': '[1]',
    'setting that is unknown': '{"automl_algoritm": "bayesian"}',
    'setting that is no switch': '{"automl_enabled": "yes"}',
    'setting without names': '{"algorithm_specific_params": 3}',
    'setting of one value': '{"algorithm_specific_params": {"max_concurrent": 4}}',
}
"""Of AutoML, beside the spec of a job."""
CASES = {
    **SPECS,
    **JOBS,
    **SEARCHES,
    **{name: lambda folder, text=text: search_keys(text) for name, text in SETTINGS.items()},
}
