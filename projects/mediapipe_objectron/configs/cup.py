_base_ = ['./_base_/objectron.py', 'cpose::_base_/categories/cup.py']

runtime = dict(categories=['cup'])
test_dataloader = dict(dataset=dict(input_wh=(800, 800)))
