"""Boxes drawn while training, category ``cuboid``: no files needed.

``shape`` and ``metainfo`` choose other objects.
"""

_base_ = '../evaluators/objectron.py'

__realism = dict(
    box_span=(0.2, 0.95),
    sides=(0.18, 3.2),
    pitch_deg=(0.0, 58.0),
    odd_camera=0.2,
    rolled=0.0,
    roll_deg=(18.0, 180.0),
    free_pose=0.0,
    hands=0.0,
    stacks=0.0,
    slender=0.0,
    flaps=0.0,
    negatives=0.0,
    cut_off=0.25,
    print_density=1.0,
    flat_items=(0, 9),
    upright_items=(0, 7),
    loose_items=(0, 0),
    people=(0, 0),
    solids=(0, 4),
    props=(0, 0),
    printed_solids=0.0,
    occluder=0.2,
    reflection=0.2,
    shadow_strength=(0.1, 0.65),
    defocus=0.2,
    blur=0.45,
    noise=0.7,
    compression=0.25,
    tone=0.9,
    window_light=0.0,
    webcam=0.0,
    grey=0.0,
)
__pictures = dict(
    type='SyntheticCuboidDataset',
    metainfo=dict(category='cuboid', symmetry=dict(type='CuboidSymmetry'), eval_num_symmetry=1),
    start_index=0,
    image_wh=(512, 512),
    input_wh=(512, 512),
    objects=(1, 1),
    shape=dict(type='Carton'),
    distractors=(),
    realism=__realism,
)
__test_pipeline = [
    dict(type='LoadPoseImage'),
    dict(type='LetterboxAffine'),
    dict(type='PackPoseInputs'),
]

train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
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
    num_workers=1,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        **__pictures,
        num_images=200,
        seed=1001,
        fresh_each_epoch=False,
        pipeline=__test_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=16,
    num_workers=1,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        **__pictures,
        num_images=200,
        seed=2002,
        fresh_each_epoch=False,
        pipeline=__test_pipeline,
    ),
)
