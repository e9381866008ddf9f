"""Boxes drawn while training, category ``cuboid``: no files needed."""

train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='SyntheticCuboidDataset',
        num_images=2000,
        seed=1,
        fresh_each_epoch=True,
        pipeline=[
            dict(type='ExpandSymmetries'),
            dict(type='RandomPoseAffine', scale_range=(0.7, 1.2)),
            dict(type='CenterNetColorJitter'),
            dict(type='PackPoseInputs'),
        ],
    ),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='SyntheticCuboidDataset',
        num_images=200,
        seed=1001,
        pipeline=[
            dict(type='LetterboxAffine'),
            dict(type='PackPoseInputs'),
        ],
    ),
)
test_dataloader = dict(
    batch_size=16,
    num_workers=1,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='SyntheticCuboidDataset',
        num_images=200,
        seed=2002,
        pipeline=[
            dict(type='LetterboxAffine'),
            dict(type='PackPoseInputs'),
        ],
    ),
)
val_evaluator = dict(type='ObjectronMetric')
test_evaluator = dict(type='ObjectronMetric')
