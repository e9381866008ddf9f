"""Bottles of glass, plastic and metal that stand or lie, also clear ones, drawn while training.

What differs from the boxes of ``efficientnet_lite0_cuboid`` is what is drawn.
"""

_base_ = '../_base_/drawn_objects.py'

__pictures = dict(
    metainfo=dict(
        category='bottle', symmetry=dict(type='RotationalSymmetry', order=12), eval_num_symmetry=100
    ),
    objects=(1, 2),
    shape=dict(type='Bottle', lying=0.1),
    distractors=[
        dict(type='Carton'),
        dict(type='Cup', lying=0.04, handles=1.0),
        dict(type='Book'),
        dict(type='Laptop', hinge_deg=(60.0, 130.0)),
    ],
    realism=dict(
        box_span=(0.25, 1.1),
        free_pose=0.06,
        stacks=0.1,
        solids=(0, 2),
        props=(0, 3),
    ),
)
train_dataloader = dict(dataset=__pictures)
val_dataloader = dict(dataset=__pictures)
test_dataloader = dict(dataset=__pictures)
