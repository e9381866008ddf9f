_base_ = 'cpose::centerpose/dla34_cup.py'

custom_imports = dict(imports=['example_head.handle_branch', 'example_head.handle_metric'])
model = dict(head=dict(branches=dict(handle=dict(type='HandleDirectionBranch'))))
val_evaluator = dict(extra_metrics=[dict(type='HandleAngleError')])
test_evaluator = dict(extra_metrics=[dict(type='HandleAngleError')])
