_base_ = ['./_base_/objectron.py', 'cpose::_base_/categories/camera.py']

runtime = dict(categories=['camera'])
test_dataloader = dict(dataset=dict(input_wh=(800, 800)))
