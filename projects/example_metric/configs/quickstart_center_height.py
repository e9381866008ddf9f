_base_ = 'cpose::centerpose/quickstart.py'

custom_imports = dict(imports=['example_metric.center_height'])
val_evaluator = dict(extra_metrics=[dict(type='CenterHeightError')])
test_evaluator = dict(extra_metrics=[dict(type='CenterHeightError')])
default_hooks = dict(checkpoint=dict(save_best='mean_center_height'))
