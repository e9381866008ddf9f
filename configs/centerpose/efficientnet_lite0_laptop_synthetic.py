"""Open laptops, in the cuboid around base and screen, drawn while training.

What differs from the boxes of ``efficientnet_lite0_cuboid`` is what is drawn.
"""

_base_ = '../_base_/drawn_objects.py'

__pictures = dict(
    metainfo=dict(category='laptop', symmetry=dict(type='NoSymmetry'), eval_num_symmetry=1),
    objects=(1, 2),
    shape=dict(type='Laptop', hinge_deg=(60.0, 130.0)),
    distractors=[
        dict(type='Carton'),
        dict(type='Bottle', lying=0.1),
        dict(type='Cup', lying=0.04, handles=1.0),
        dict(type='Book'),
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
