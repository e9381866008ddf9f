"""Boxes drawn while training, category ``cuboid``: no files needed."""

__metainfo = dict(category='cuboid', symmetry=dict(type='CuboidSymmetry'), eval_num_symmetry=1)

train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='SyntheticCuboidDataset',
        metainfo=__metainfo,
        num_images=2000,
        seed=1,
        fresh_each_epoch=True,
        pipeline=[
            dict(type='LoadPoseImage'),
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
        metainfo=__metainfo,
        num_images=200,
        seed=1001,
        pipeline=[
            dict(type='LoadPoseImage'),
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
        metainfo=__metainfo,
        num_images=200,
        seed=2002,
        pipeline=[
            dict(type='LoadPoseImage'),
            dict(type='LetterboxAffine'),
            dict(type='PackPoseInputs'),
        ],
    ),
)
val_evaluator = dict(type='ObjectronMetric')
test_evaluator = dict(type='ObjectronMetric')
