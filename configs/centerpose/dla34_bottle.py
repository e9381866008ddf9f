_base_ = [
    '../_base_/models/dla34.py',
    '../_base_/categories/bottle.py',
    '../_base_/schedules/140e.py',
    '../_base_/default_runtime.py',
]
