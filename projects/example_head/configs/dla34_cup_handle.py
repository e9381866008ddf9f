_base_ = 'cpose::centerpose/dla34_cup.py'

custom_imports = dict(
    imports=[
        'example_head.handle_annotation',
        'example_head.handle_branch',
        'example_head.handle_metric',
    ]
)
model = dict(head=dict(branches=dict(handle=dict(type='HandleDirectionBranch'))))

# Lists are replaced whole: the pipelines of the base with one step more.
__test_pipeline = [
    dict(type='LoadPoseImage'),
    dict(type='LoadHandleAngle'),
    dict(type='LetterboxAffine'),
    dict(type='PackPoseInputs'),
]
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='LoadPoseImage'),
            dict(type='LoadHandleAngle'),
            dict(type='ExpandSymmetries'),
            dict(type='RandomPoseAffine'),
            dict(type='CenterNetColorJitter'),
            dict(type='PackPoseInputs'),
        ]
    )
)
val_dataloader = dict(dataset=dict(pipeline=__test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=__test_pipeline))
val_evaluator = dict(extra_metrics=[dict(type='HandleAngleError')])
test_evaluator = dict(extra_metrics=[dict(type='HandleAngleError')])
