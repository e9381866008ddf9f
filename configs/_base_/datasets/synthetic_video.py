"""Videos of moving boxes drawn while training, category ``cuboid``: no files needed."""

_base_ = '../evaluators/objectron.py'

__videos = dict(
    type='SyntheticVideoDataset',
    metainfo=dict(category='cuboid', symmetry=dict(type='CuboidSymmetry'), eval_num_symmetry=1),
    start_video=0,
    frames=30,
    image_wh=(256, 256),
    input_wh=(256, 256),
    objects=(1, 3),
    least_visible=0.2,
    realism=dict(
        box_span=(0.2, 0.7),
        sides=(0.5, 1.8),
        pitch_deg=(12.0, 45.0),
        odd_camera=0.0,
        rolled=0.0,
        roll_deg=(18.0, 180.0),
        free_pose=0.0,
        hands=0.0,
        stacks=0.0,
        slender=0.0,
        flaps=0.0,
        negatives=0.0,
        cut_off=0.0,
        print_density=1.0,
        flat_items=(0, 9),
        upright_items=(0, 7),
        loose_items=(0, 0),
        people=(0, 0),
        solids=(0, 0),
        props=(0, 0),
        printed_solids=0.0,
        occluder=0.5,
        reflection=0.0,
        shadow_strength=(0.1, 0.65),
        defocus=0.0,
        blur=0.2,
        noise=0.7,
        compression=0.25,
        tone=0.9,
        window_light=0.0,
        webcam=0.0,
        grey=0.0,
    ),
)
__noise = dict(
    center_shift=0.05,
    corner_shift=0.03,
    center_lost=0.2,
    corner_lost=0.1,
    center_false=0.1,
    corner_false=0.05,
)
__test_pipeline = [
    dict(type='LoadPoseImage'),
    dict(type='LetterboxAffine'),
    dict(type='PackPoseInputs'),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        **__videos,
        num_videos=200,
        seed=1,
        max_distance=3,
        noise=__noise,
        pipeline=[
            dict(type='LoadPoseImage'),
            dict(type='ExpandSymmetries'),
            dict(
                type='RandomPoseAffine',
                scale_range=(0.8, 1.2),
                border=112,
                flip_prob=0.5,
                rotate_prob=0.0,
                max_rotate_deg=15.0,
                keep_center=False,
            ),
            dict(type='PackPoseInputs'),
        ],
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        **__videos, num_videos=4, seed=2, max_distance=None, noise=None, pipeline=__test_pipeline
    ),
)
test_dataloader = dict(
    batch_size=8,
    num_workers=1,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        **__videos, num_videos=20, seed=3, max_distance=None, noise=None, pipeline=__test_pipeline
    ),
)
