_base_ = ['./_base_/objectron.py', 'cpose::_base_/datasets/centerpose.py']

__categories = ['shoe', 'chair', 'cup', 'camera']
runtime = dict(categories=__categories)
model = dict(head=dict(num_classes=4))
test_dataloader = dict(dataset=dict(input_wh=(800, 800), metainfo=dict(category=__categories)))
