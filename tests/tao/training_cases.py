"""A value for every key that training depends on, and what becomes of it."""

from .key_outcomes import Effect, Refusal

PIPELINE = 'train_dataloader.dataset.pipeline'
BRANCHES = 'model.head.branches'
HOOK = 'default_hooks.checkpoint'
KLD, MSE, DENSE = 'KLDUncertaintyLoss', 'HeatmapMSELoss', 'DenseDisplacementLoss'

DATASET = {
    'train_data': Effect('new', 'train_dataloader.dataset.data_root', 'new'),
    'val_data': Effect('new', 'val_dataloader.dataset.data_root', 'new'),
    'test_data': Effect('new', 'evaluate.config.test_dataloader.dataset.data_root', 'new'),
    'inference_data': Effect('new', 'inference.inputs', 'new'),
    'batch_size': Effect('7', 'train_dataloader.batch_size', 7),
    'workers': Effect('0', 'val_dataloader.num_workers', 0),
    'pin_memory': Effect('false', 'train_dataloader.pin_memory', False),
    'num_classes': Refusal('2', 'dataset.category'),
    'num_joints': Refusal('9', 'eight corners'),
    'max_objs': Effect('3', 'train_dataloader.dataset.max_objs', 3),
    'mean': Effect('[0.1,0.2,0.3]', 'model.data_preprocessor.mean', [0.1, 0.2, 0.3]),
    'std': Effect('[0.1,0.2,0.3]', 'model.data_preprocessor.std', [0.1, 0.2, 0.3]),
    '_eig_val': Effect('[1,2,3]', f'{PIPELINE}.3.eigenvalues', [1, 2, 3]),
    '_eig_vec': Effect(
        '[[1,0,0],[0,1,0],[0,0,1]]',
        f'{PIPELINE}.3.eigenvectors',
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    ),
    'category': Effect('my_box', 'train_dataloader.dataset.metainfo.category', 'my_box'),
    'num_symmetry': Effect(
        '6',
        'train_dataloader.dataset.metainfo.symmetry',
        {'type': 'RotationalSymmetry', 'order': 6},
    ),
    'mse_loss': Effect('true', f'{BRANCHES}.hm.loss.type', MSE),
    'center_3D': Effect('true', 'model.head.codec.center_rule.type', 'ProjectedCenter'),
    'obj_scale': Effect('false', f'{BRANCHES}.scale.loss', None),
    'use_absolute_scale': Effect('true', 'model.head.branches.scale.coder.type', 'AbsoluteDims'),
    'obj_scale_uncertainty': Effect('true', f'{BRANCHES}.scale.loss.type', KLD),
    'dense_hp': Effect('true', f'{BRANCHES}.hps.loss.type', DENSE),
    'hps_uncertainty': Effect('true', f'{BRANCHES}.hps.loss.type', KLD),
    'reg_bbox': Effect('false', f'{BRANCHES}.wh.loss', None),
    'reg_offset': Effect('false', f'{BRANCHES}.reg.loss', None),
    'hm_hp': Effect('false', f'{BRANCHES}.hm_hp.loss', None),
    'reg_hp_offset': Effect('false', f'{BRANCHES}.hp_offset.loss', None),
    'flip_idx': Refusal('[[1,2]]', 'order of the corners is fixed'),
    'no_color_aug': Effect('true', f'{PIPELINE}.3.type', 'PackPoseInputs'),
    'not_rand_crop': Effect('true', f'{PIPELINE}.2.keep_center', True),
    'aug_rot': Effect('0.3', f'{PIPELINE}.2.rotate_prob', 0.3),
    'flip': Effect('0', f'{PIPELINE}.2.flip_prob', 0.0),
    'input_res': Effect('256', 'train_dataloader.dataset.input_wh', (256, 256)),
    'output_res': Refusal('64', 'dataset.input_res=512'),
}
MODEL = {
    'down_ratio': Effect('8', 'model.neck.out_stride', 8, ('dataset.output_res=64',)),
    'final_kernel': Refusal('3', '1×1 convolution'),
    'last_level': Refusal('4', 'merges all levels'),
    'head_conv': Effect('64', 'model.head.head_conv', 64),
    'out_channel': Effect('32', 'model.neck.out_channels', 32),
    'use_convGRU': Effect('false', 'model.head.use_association', False),
    'use_pretrained': Effect(
        'true', 'model.backbone.pretrained', True, ('model.backbone.model_type=DLA34',)
    ),
    'backbone.model_type': Effect('fan_base', '_base_.0', 'cpose::_base_/models/fan_base.py'),
    'backbone.pretrained_backbone_path': Effect('w.pth', 'model.backbone.pretrained_path', 'w.pth'),
}
TRAIN = {
    'num_gpus': Effect('2', 'gpus.train', [0, 1]),
    'gpu_ids': Effect('[3]', 'gpus.train', [3]),
    'num_nodes': Refusal('2', 'torchrun or Slurm'),
    'seed': Effect('7', 'randomness.seed', 7),
    'cudnn.benchmark': Effect('true', 'env_cfg.cudnn_benchmark', True),
    'cudnn.deterministic': Effect('false', 'env_cfg.cudnn_deterministic', False),
    'num_epochs': Effect('3', 'train_cfg.max_epochs', 3),
    'checkpoint_interval': Effect('4', f'{HOOK}.interval', 4),
    'checkpoint_interval_unit': Effect('step', f'{HOOK}.unit', 'step'),
    'validation_interval': Effect('5', 'train_cfg.val_interval', 5),
    'resume_training_checkpoint_path': Effect('x.pth', 'resume', 'x.pth'),
    'results_dir': Effect('own', 'work_dir', 'own'),
    'checkpointer.enable_topk': Effect('true', f'{HOOK}.save_best', 'AP50_3DIoU_tao'),
    'checkpointer.replace_periodic': Refusal('true', 'could not go on'),
    'checkpointer.monitor': Effect(
        'val_2DMPE', f'{HOOK}.save_best', 'MPE_2D', ('train.checkpointer.enable_topk=true',)
    ),
    'checkpointer.mode': Effect(
        'min', f'{HOOK}.rule', 'less', ('train.checkpointer.enable_topk=true',)
    ),
    'checkpointer.save_top_k': Refusal('3', 'the best one is kept'),
    'checkpointer.filename': Effect(
        'b_{epoch}', f'{HOOK}.best_name', 'b_{epoch}', ('train.checkpointer.enable_topk=true',)
    ),
    'checkpointer.dirpath': Refusal('x', 'where resuming looks'),
    'checkpointer.auto_insert_metric_name': Refusal('true', 'what filename says'),
    'pretrained_model_path': Effect('x.pth', 'load_from', 'x.pth'),
    'clip_grad_val': Effect('0.5', 'optim_wrapper.clip_grad.max_norm', 0.5),
    'is_dry_run': Effect('true', 'train_dataloader.num_batch_per_epoch', 1),
    'precision': Effect('fp16', 'optim_wrapper.dtype', 'fp16'),
    'optim.lr': Effect('1e-3', 'optim_wrapper.optimizer.lr', 1e-3),
    'optim.lr_scheduler': Refusal('Cosine', 'must be MultiStep'),
    'optim.lr_steps': Effect('[3,4]', 'param_scheduler.0.milestones', [3, 4]),
    'optim.lr_decay': Effect('0.5', 'param_scheduler.0.gamma', 0.5),
}
LOSS = {
    'mse_loss': Effect('true', f'{BRANCHES}.hm_hp.loss.type', MSE),
    'dense_hp': Effect('true', f'{BRANCHES}.hps.loss.type', DENSE),
    'reg_loss': Refusal('sl1', 'must be l1'),
    'num_stacks': Refusal('2', 'repeats its outputs'),
    'hps_uncertainty': Effect('true', f'{BRANCHES}.hps.loss.type', KLD),
    'wh_weight': Effect('0.3', f'{BRANCHES}.wh.loss.loss_weight', 0.3),
    'reg_bbox': Effect('false', f'{BRANCHES}.wh.loss', None),
    'reg_offset': Effect('false', f'{BRANCHES}.reg.loss', None),
    'reg_hp_offset': Effect('false', f'{BRANCHES}.hp_offset.loss', None),
    'obj_scale': Effect('false', f'{BRANCHES}.scale.loss', None),
    'obj_scale_weight': Effect('0.3', f'{BRANCHES}.scale.loss.loss_weight', 0.3),
    'obj_scale_uncertainty': Effect('true', f'{BRANCHES}.scale.loss.type', KLD),
    'use_residual': Effect(
        'true',
        'model.head.branches.scale.coder',
        {'type': 'ResidualDims', 'reference': [0.5, 1.0, 2.0]},
        ('train.loss_config.dimension_ref="0.5, 1, 2"',),
    ),
    'dimension_ref': Effect(
        '"[2 1 3]"',
        'model.head.branches.scale.coder.reference',
        [2.0, 1.0, 3.0],
        ('train.loss_config.use_residual=true',),
    ),
    'off_weight': Effect('0.3', f'{BRANCHES}.hp_offset.loss.loss_weight', 0.3),
    'hm_hp': Effect('false', f'{BRANCHES}.hm_hp.loss', None),
    'hm_hp_weight': Effect('0.3', f'{BRANCHES}.hm_hp.loss.loss_weight', 0.3),
    'hm_weight': Effect('0.3', f'{BRANCHES}.hm.loss.loss_weight', 0.3),
    'hp_weight': Effect('0.3', f'{BRANCHES}.hps.loss.loss_weight', 0.3),
}

TOP = {
    'model_name': Effect('mine', 'experiment_name', 'mine'),
    'encryption_key': Effect('secret', 'key', 'secret'),
    'results_dir': Effect('other', 'work_dir', 'other/train'),
}
