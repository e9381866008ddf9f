"""Boxes in photographs, trained on synthetic pictures: an hour or more on two CPU cores.

The network learns on small pictures that a box fills by a third to nine tenths, and is used on
larger ones that show more around the box, as photographs do.
"""

_base_ = './quickstart.py'

__test_size = (320, 320)
__realism = dict(
    box_span=(0.3, 0.9),
    sides=(0.25, 2.5),
    pitch_deg=(8.0, 48.0),
    odd_camera=0.1,
    cut_off=0.05,
    print_density=1.0,
    flat_items=(0, 5),
    upright_items=(0, 4),
    solids=(0, 2),
    occluder=0.1,
    reflection=0.15,
    defocus=0.1,
    blur=0.3,
    noise=0.6,
    compression=0.2,
    tone=0.8,
)
__test_realism = dict(__realism, box_span=(0.18, 0.45), flat_items=(2, 9), upright_items=(1, 7))

model = dict(
    head=dict(branches=dict(scale=dict(loss=dict(type='RelativeL1Loss', min_target=1e-6))))
)
train_dataloader = dict(dataset=dict(num_images=4000, realism=__realism))
val_dataloader = dict(
    dataset=dict(image_wh=__test_size, input_wh=__test_size, realism=__test_realism)
)
test_dataloader = dict(
    dataset=dict(image_wh=__test_size, input_wh=__test_size, realism=__test_realism)
)

param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=500),
    dict(
        type='CosineAnnealingLR',
        T_max=30,
        eta_min=1e-5,
        by_epoch=True,
        begin=0,
        end=30,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(max_epochs=30, val_interval=6)
# Drawing pictures keeps a core busy.
env_cfg = dict(spare_cores=1)
