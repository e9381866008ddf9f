"""Folders data/{category}/{train,val,test} of images with one JSON file each."""

_base_ = '../evaluators/objectron.py'

__test_pipeline = [
    dict(type='LoadPoseImage'),
    dict(type='LetterboxAffine'),
    dict(type='PackPoseInputs'),
]

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
        seed=0,
        max_objs=10,
        pipeline=[
            dict(type='LoadPoseImage'),
            dict(type='ExpandSymmetries'),
            dict(
                type='RandomPoseAffine',
                scale_range=(0.6, 1.4),
                border=128,
                flip_prob=0.5,
                rotate_prob=0.0,
                max_rotate_deg=15.0,
                keep_center=False,
            ),
            dict(
                type='CenterNetColorJitter',
                strength=0.4,
                lighting_std=0.1,
                eigenvalues=[0.2141788, 0.01817699, 0.00341571],
                eigenvectors=[
                    [-0.58752847, -0.69563484, 0.41340352],
                    [-0.5832747, 0.00994535, -0.81221408],
                    [-0.56089297, 0.71832671, 0.41158938],
                ],
            ),
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
        seed=0,
        pipeline=__test_pipeline,
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
        seed=0,
        pipeline=__test_pipeline,
    ),
)
