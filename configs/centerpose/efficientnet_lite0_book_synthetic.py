"""Closed books that lie, stand or lean, drawn while training.

What differs from the boxes of ``efficientnet_lite0_cuboid`` is what is drawn.
"""

_base_ = '../_base_/drawn_objects.py'

__pictures = dict(
    metainfo=dict(category='book', symmetry=dict(type='NoSymmetry'), eval_num_symmetry=1),
    objects=(1, 2),
    shape=dict(type='Book'),
    distractors=[
        dict(type='Carton'),
        dict(type='Bottle', lying=0.1),
        dict(type='Cup', lying=0.04, handles=1.0),
        dict(type='Laptop', hinge_deg=(60.0, 130.0)),
    ],
    realism=dict(
        box_span=(0.25, 1.1),
        free_pose=0.06,
        slender=0.0,  # thin cartons around would look like books
        stacks=0.3,
        solids=(0, 2),
        props=(0, 3),
    ),
)
train_dataloader = dict(dataset=__pictures)
val_dataloader = dict(dataset=__pictures)
test_dataloader = dict(dataset=__pictures)
