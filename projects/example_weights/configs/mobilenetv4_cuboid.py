_base_ = 'cpose::centerpose/mobilenetv4_small_cuboid.py'

custom_imports = dict(imports=['example_weights.families'])
