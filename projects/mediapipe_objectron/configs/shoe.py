_base_ = ['./_base_/objectron.py', 'cpose::_base_/categories/shoe.py']

runtime = dict(categories=['shoe'])
test_dataloader = dict(dataset=dict(input_wh=(800, 800)))
