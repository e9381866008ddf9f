"""Folders data/{category}/{train,val,test} of images with one JSON file each."""

train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='CenterPoseDataset',
        data_root='data/{category}/train',
        input_wh=(512, 512),
        max_objs=10,
        pipeline=[
            dict(type='LoadPoseImage'),
            dict(type='ExpandSymmetries'),
            dict(type='RandomPoseAffine'),
            dict(type='CenterNetColorJitter'),
            dict(type='PackPoseInputs'),
        ],
    ),
)
val_dataloader = dict(
    batch_size=4,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CenterPoseDataset',
        data_root='data/{category}/val',
        input_wh=(512, 512),
        pipeline=[
            dict(type='LoadPoseImage'),
            dict(type='LetterboxAffine'),
            dict(type='PackPoseInputs'),
        ],
    ),
)
test_dataloader = dict(
    batch_size=4,
    num_workers=2,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CenterPoseDataset',
        data_root='data/{category}/test',
        input_wh=(512, 512),
        pipeline=[
            dict(type='LoadPoseImage'),
            dict(type='LetterboxAffine'),
            dict(type='PackPoseInputs'),
        ],
    ),
)
val_evaluator = dict(type='ObjectronMetric')
test_evaluator = dict(type='ObjectronMetric')
