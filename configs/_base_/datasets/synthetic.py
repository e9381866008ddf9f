"""Boxes drawn while training, category ``cuboid``: no files needed.

``shape`` and ``metainfo`` choose other objects.
"""

_base_ = './drawn.py'

__pictures = dict(
    type='SyntheticCuboidDataset',
    start_index=0,
    image_wh=(512, 512),
    input_wh=(512, 512),
    objects=(1, 1),
    shape=dict(type='Carton'),
    distractors=(),
)

train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        **__pictures,
        num_images=2000,
        seed=1,
        fresh_each_epoch=True,
        pipeline=[
            dict(type='LoadPoseImage'),
            dict(type='ExpandSymmetries'),
            dict(
                type='RandomPoseAffine',
                scale_range=(0.7, 1.2),
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
    batch_size=16,
    dataset=dict(**__pictures, num_images=200, seed=1001, fresh_each_epoch=False),
)
test_dataloader = dict(
    batch_size=16,
    dataset=dict(**__pictures, num_images=200, seed=2002, fresh_each_epoch=False),
)
