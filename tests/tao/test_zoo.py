import uuid

from cpose.apis.metafile import read_metafile, shipped_metafile
from cpose.apis.zoo import find_model
from cpose.tao.zoo import find_experiment, list_base_experiments


def test_ids_stay_the_same():
    entries = list_base_experiments()
    ids = [entry['id'] for entry in entries]
    assert len(set(ids)) == len(ids) == 36
    assert all(str(uuid.UUID(item)) == item for item in ids)
    assert find_experiment('dla34_bike')['id'] == 'be50c1e4-e8bf-5a8c-8ac8-d51ab3b840b3'
    assert find_experiment(ids[5]) == entries[5]


def test_facts_are_those_of_the_metafile():
    models = [model for model in read_metafile(shipped_metafile()) if model.tao]
    assert [entry['name'] for entry in list_base_experiments()] == [model.name for model in models]
    entry, model = find_experiment('dla34_bike'), find_model('dla34_bike')
    assert (entry['backbone'], entry['category']) == (model.tao, model.categories[0])
    assert entry['config'] == 'configs/centerpose/dla34_bike.py'
    assert entry['results'] == {item['Dataset']: item['Metrics'] for item in model.results}
