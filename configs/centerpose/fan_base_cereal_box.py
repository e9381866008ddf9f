_base_ = [
    '../_base_/models/fan_base.py',
    '../_base_/categories/cereal_box.py',
    '../_base_/schedules/140e.py',
    '../_base_/default_runtime.py',
]
