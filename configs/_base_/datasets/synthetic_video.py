"""Videos of moving boxes drawn while training, category ``cuboid``: no files needed."""

_base_ = './drawn.py'

__videos = dict(
    type='SyntheticVideoDataset',
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
        cut_off=0.0,
        solids=(0, 0),
        occluder=0.5,
        reflection=0.0,
        defocus=0.0,
        blur=0.2,
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

train_dataloader = dict(
    batch_size=8,
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
    dataset=dict(**__videos, num_videos=4, seed=2, max_distance=None, noise=None),
)
test_dataloader = dict(
    batch_size=8,
    dataset=dict(**__videos, num_videos=20, seed=3, max_distance=None, noise=None),
)
