"""Boxes in photographs, trained on synthetic pictures: an hour or more on two CPU cores."""

_base_ = './quickstart.py'

__size = (224, 224)
__realism = dict(
    box_span=(0.3, 0.9),
    sides=(0.2, 3.0),
    pitch_deg=(5.0, 50.0),
    odd_camera=0.1,
    cut_off=0.1,
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
train_dataloader = dict(
    dataset=dict(num_images=4000, image_wh=__size, input_wh=__size, realism=__realism)
)
val_dataloader = dict(dataset=dict(image_wh=__size, input_wh=__size, realism=__realism))
test_dataloader = dict(dataset=dict(image_wh=__size, input_wh=__size, realism=__realism))

param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=500),
    dict(
        type='CosineAnnealingLR',
        T_max=24,
        eta_min=1e-5,
        by_epoch=True,
        begin=0,
        end=24,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(max_epochs=24, val_interval=4)
