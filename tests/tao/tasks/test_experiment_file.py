from cpose.tao.spec.spec_file import load_spec
from cpose.tao.tasks.run import write_experiment

from ..specs import make_spec


def test_file_is_a_spec_again_without_the_key(tmp_path):
    spec = make_spec(tmp_path, 'encryption_key=secret', 'dataset._eig_val=[1,2,3]', 'train.seed=5')
    path = write_experiment(spec, tmp_path / 'out', 'train')
    assert path.name == 'experiment.yaml'
    assert 'secret' not in path.read_text()
    again = load_spec(path, ['encryption_key=secret'])
    assert again.values == spec.values


def test_file_leaves_to_the_model_what_the_spec_did_not_say(tmp_path):
    spec = make_spec(tmp_path, 'dataset.num_symmetry=4', 'model.head_conv=64')
    path = write_experiment(spec, tmp_path / 'out', 'evaluate')
    again = load_spec(path)
    assert again.values == spec.values
    assert again.origin.gives('dataset.num_symmetry')
    assert again.origin.gives('model.head_conv')
    for key in ('dataset.category', 'dataset.input_res', 'model.backbone', 'model.down_ratio'):
        assert not again.origin.gives(key)
