"""Boxes and cups in one network, drawn while training.

Both stand in the same pictures; each has a centre heatmap, a symmetry and numbers of its own.
"""

_base_ = '../_base_/drawn_objects.py'

__pictures = dict(
    metainfo=dict(
        category=['cuboid', 'cup'],
        symmetry=[dict(type='CuboidSymmetry'), dict(type='RotationalSymmetry', order=12)],
        eval_num_symmetry=[1, 100],
    ),
    objects=(1, 3),
    shape=[dict(type='Carton'), dict(type='Cup', lying=0.04, handles=1.0)],
    distractors=[
        dict(type='Bottle', lying=0.1),
        dict(type='Laptop', hinge_deg=(60.0, 130.0)),
    ],
    realism=dict(box_span=(0.2, 1.1), props=(0, 2)),
)
model = dict(head=dict(num_classes=2))
train_dataloader = dict(dataset=__pictures)
val_dataloader = dict(dataset=__pictures)
test_dataloader = dict(dataset=__pictures)
