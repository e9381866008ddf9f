import uuid

from cpose.apis.config.load import configs_root
from cpose.tao.zoo import find_experiment, list_base_experiments, read_metafile


def test_metafile_lists_all_runnable_configs():
    root = configs_root()
    listed = [model['Config'] for model in read_metafile()]
    there = [f'configs/{file.relative_to(root)}' for file in (root / 'centerpose').glob('*.py')]
    assert sorted(listed) == sorted(there)
    assert len(set(listed)) == len(listed)


def test_facts_agree_with_the_configs():
    for model in read_metafile():
        assert model['Config'] == f'configs/centerpose/{model["Name"]}.py'
        text = (configs_root().parent / model['Config']).read_text()
        if 'TAO' in model['Metadata']:
            assert f'models/{model["Metadata"]["Backbone"]}.py' in text
            assert f'categories/{model["Metadata"]["Category"]}.py' in text


def test_ids_stay_the_same():
    entries = list_base_experiments()
    ids = [entry['id'] for entry in entries]
    assert len(set(ids)) == len(ids) == 36
    assert all(str(uuid.UUID(item)) == item for item in ids)
    assert find_experiment('dla34_bike')['id'] == 'be50c1e4-e8bf-5a8c-8ac8-d51ab3b840b3'
    assert find_experiment(ids[5]) == entries[5]
