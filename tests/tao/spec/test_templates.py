import json
from pathlib import Path

import pytest
import yaml

from cpose.cli.main import main
from cpose.errors import ConfigError, OutputError
from cpose.tao import TASKS
from cpose.tao.spec.required import REQUIRED
from cpose.tao.spec.schema import job_schema
from cpose.tao.spec.spec_file import load_spec
from cpose.tao.spec.templates import spec_template, write_templates

from ...user_errors import raises

SHARED = Path(__file__).parents[4] / 'shared/tao_specs/schemas/manifest.json'


def test_manifest_names_the_files(tmp_path, capsys):
    assert main(['tao', 'templates', '--out', str(tmp_path / 'out')]) == 0
    written = {Path(line) for line in capsys.readouterr().out.splitlines()}
    manifest = json.loads((tmp_path / 'out/schemas/manifest.json').read_text())
    assert set(manifest['actions']) == set(TASKS)
    for task, entry in manifest['actions'].items():
        schema, template = (tmp_path / 'out' / entry[key] for key in ('path', 'spec_template'))
        assert {schema, template} <= written
        assert json.loads(schema.read_text()) == job_schema(task)
        assert yaml.safe_load(template.read_text()) == spec_template(task)
        assert entry['automl_default_parameters'] == ['train.optim.lr', 'train.optim.lr_decay']


@pytest.mark.parametrize('task', TASKS)
def test_a_template_needs_the_marked_values_only(tmp_path, task):
    write_templates(tmp_path)
    path = tmp_path / f'spec_template_{task}.yaml'
    marked = [group[0] for group in REQUIRED[task]]
    with raises(ConfigError, spec_key=marked[0]):
        load_spec(path, [], task)
    load_spec(path, [f'{key}=x' for key in marked], task)


def test_files_that_are_there_stay(tmp_path):
    write_templates(tmp_path)
    (tmp_path / 'spec_template_train.yaml').write_text('mine')
    with raises(OutputError, path=tmp_path / 'spec_template_train.yaml'):
        write_templates(tmp_path)
    assert (tmp_path / 'spec_template_train.yaml').read_text() == 'mine'
    write_templates(tmp_path, may_replace=True)


@pytest.mark.skipif(not SHARED.is_file(), reason=f'no manifest of TAO in {SHARED}')
@pytest.mark.parametrize('task', TASKS)
def test_lists_of_keys_are_those_of_tao(task):
    entry, ours = json.loads(SHARED.read_text())['actions'][task], job_schema(task)
    names = ('automl_disabled_parameters', 'popular')
    theirs = {
        name: [key for key in entry[name] if key.partition('.')[0] in ours['properties']]
        for name in names
    }
    own = {'train.checkpointer', 'gen_trt_engine.tensorrt.compute_capabilities'}
    assert set(ours['automl_disabled_parameters']) - own == set(theirs[names[0]])
    assert ours['popular'] == {key: entry['popular'][key] for key in theirs['popular']}
