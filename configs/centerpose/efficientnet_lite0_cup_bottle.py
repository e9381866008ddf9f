"""Cups and bottles in photographs: one network for both, drawn pictures, CPU hours.

Cups, mugs, paper cups and tumblers, whose cuboid leaves the handle out, and bottles of glass,
plastic and metal that stand or lie. Both stand in the same pictures, beside boxes, books and
laptops that are neither. It starts from the weights of ``cuboid``:
``cpose train efficientnet_lite0_cup_bottle --model cuboid``.
"""

_base_ = '../_base_/drawn_objects.py'

__size = (224, 224)
__usual = dict(
    box_span=(0.16, 1.1),
    sides=(0.18, 3.2),
    pitch_deg=(2.0, 70.0),
    odd_camera=0.2,
    rolled=0.04,
    free_pose=0.05,
    hands=0.3,
    stacks=0.05,
    negatives=0.2,
    cut_off=0.1,
    print_density=1.0,
    flat_items=(0, 8),
    upright_items=(0, 5),
    loose_items=(0, 2),
    people=(0, 1),
    solids=(0, 3),
    props=(0, 3),
    printed_solids=0.4,
    occluder=0.15,
    reflection=0.2,
    shadow_strength=(0.1, 0.65),
    defocus=0.2,
    blur=0.4,
    noise=0.7,
    compression=0.25,
    tone=0.9,
    window_light=0.2,
    webcam=0.2,
    grey=0.06,
)
__plain = dict(
    __usual,
    box_span=(0.2, 1.0),
    pitch_deg=(6.0, 60.0),
    odd_camera=0.12,
    rolled=0.0,
    free_pose=0.0,
    hands=0.0,
    stacks=0.0,
    negatives=0.12,
    cut_off=0.05,
    props=(0, 1),
)
__pictures = dict(
    type='SyntheticCuboidDataset',
    metainfo=dict(
        category=['cup', 'bottle'],
        symmetry=dict(type='RotationalSymmetry', order=12),
        eval_num_symmetry=100,
    ),
    start_index=0,
    image_wh=__size,
    input_wh=__size,
    fresh_each_epoch=True,
    shape=[dict(type='Cup', lying=0.04, handles=0.6), dict(type='Bottle', lying=0.1)],
    distractors=[
        dict(type='Carton'),
        dict(type='Book'),
        dict(type='Laptop', hinge_deg=(60.0, 130.0)),
    ],
    pipeline={{_base_.train_dataloader.dataset.pipeline}},
)
__tested = dict(
    metainfo=__pictures['metainfo'],
    image_wh=__size,
    input_wh=__size,
    objects=(1, 2),
    shape=__pictures['shape'],
    distractors=__pictures['distractors'],
    realism=dict(__usual, box_span=(0.2, 1.0), props=(0, 0)),
)

# The best F1 on drawn pictures: python -m benchmarks.accuracy.thresholds
model = dict(head=dict(num_classes=2, postprocessor=dict(infer_score_thr=0.45)))
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(**__pictures, num_images=2000, seed=31, objects=(1, 2), realism=__plain),
            dict(**__pictures, num_images=2000, seed=32, objects=(1, 3), realism=__usual),
        ],
    )
)
val_dataloader = dict(dataset=dict(num_images=200, **__tested))
test_dataloader = dict(dataset=dict(num_images=1000, **__tested))
