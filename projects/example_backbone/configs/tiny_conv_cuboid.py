_base_ = 'cpose::centerpose/quickstart.py'

custom_imports = dict(imports=['example_backbone.tiny_conv'])
model = dict(backbone=dict(_delete_=True, type='TinyConv'))
