_base_ = [
    '../_base_/models/fan_large.py',
    '../_base_/categories/camera.py',
    '../_base_/schedules/140e.py',
    '../_base_/default_runtime.py',
]
