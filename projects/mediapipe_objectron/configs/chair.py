_base_ = ['./_base_/objectron.py', 'cpose::_base_/categories/chair.py']

runtime = dict(categories=['chair'])
test_dataloader = dict(dataset=dict(input_wh=(800, 800)))
