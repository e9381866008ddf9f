_base_ = [
    '../_base_/models/fan_small.py',
    '../_base_/categories/laptop.py',
    '../_base_/schedules/140e.py',
    '../_base_/default_runtime.py',
]
