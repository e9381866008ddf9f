"""What drawn pictures and drawn videos of boxes have in common, category ``cuboid``."""

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
__scenes = dict(
    metainfo=dict(category='cuboid', symmetry=dict(type='CuboidSymmetry'), eval_num_symmetry=1),
    realism=__realism,
)
__test_pipeline = [
    dict(type='LoadPoseImage'),
    dict(type='LetterboxAffine'),
    dict(type='PackPoseInputs'),
]

train_dataloader = dict(
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(**__scenes),
)
val_dataloader = dict(
    num_workers=1,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**__scenes, pipeline=__test_pipeline),
)
test_dataloader = dict(
    num_workers=1,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**__scenes, pipeline=__test_pipeline),
)
