"""Nothing to run: mypy checks here that the parts of the package keep their contracts.

A part that is missing here is found by ``tests/test_contracts.py``.
"""

from cpose.checkpoints.base import CheckpointFormat, WeightFamily
from cpose.checkpoints.families import (
    DLA34ImageNet,
    EfficientNetLite,
    FANImageNet,
    NVlabsDLA34,
    NVlabsTrack,
    OwnBackbone,
    OwnModel,
    TaoDLA34,
    TaoFAN,
)
from cpose.checkpoints.safetensors_file import SafetensorsFormat
from cpose.codecs.base import (
    Branch,
    CenterRule,
    Codec,
    CornerRule,
    DimsCoder,
    DimsRefiner,
    PointSource,
    PoseSolver,
    Postprocessor,
    Symmetry,
    WeightedPoseSolver,
)
from cpose.codecs.branches import (
    BoxSizeBranch,
    CenterOffsetBranch,
    CornerDisplacementBranch,
    CornerOffsetBranch,
    DimsBranch,
)
from cpose.codecs.centerpose_codec import CenterPoseCodec
from cpose.codecs.heatmap_branches import CenterHeatmapBranch, CornerHeatmapBranch
from cpose.codecs.log_variance_branches import CornerStdBranch, DimsStdBranch
from cpose.codecs.pnp import (
    DisplacementAndHeatmapPoints,
    DisplacementPoints,
    InFrontPnP,
    IterativePnP,
    KnownDims,
    PredictedDims,
    ReprojectedDims,
    StdWeightedPnP,
)
from cpose.codecs.postprocessor import PosePostprocessor
from cpose.codecs.symmetries import CuboidSymmetry, NoSymmetry, RotationalSymmetry
from cpose.codecs.target_rules import (
    AbsoluteDims,
    BoxCenter,
    ProjectedCenter,
    RelativeDims,
    ResidualDims,
    SubpixelCorners,
    TruncatedCorners,
)
from cpose.codecs.tracking.motion_branches import CenterTrackingBranch, CornerTrackingBranch
from cpose.datasets.base import RecordSource, Transform
from cpose.datasets.centerpose_dataset import CenterPoseDataset
from cpose.datasets.image_folder_dataset import ImageFolderDataset
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.datasets.synthetic_video_dataset import SyntheticVideoDataset
from cpose.datasets.transforms.affine import LetterboxAffine, RandomPoseAffine
from cpose.datasets.transforms.color_jitter import CenterNetColorJitter
from cpose.datasets.transforms.loading import LoadPoseImage, PackPoseInputs
from cpose.datasets.transforms.symmetries import ExpandSymmetries, TruncateCorners
from cpose.datasets.video_pair_dataset import VideoPairDataset
from cpose.deploy.runtimes.base import NetworkRuntime
from cpose.deploy.runtimes.onnx_runtime import OnnxRuntime
from cpose.deploy.runtimes.tensorrt_runtime import TensorRTRuntime
from cpose.deploy.runtimes.torch_runtime import TorchRuntime
from cpose.evaluation.base import EvaluationProtocol, Metric, ScaleRule
from cpose.evaluation.objectron_metric import ObjectronMetric
from cpose.evaluation.protocols.one_to_one_protocol import OneToOneProtocol
from cpose.evaluation.protocols.scale_rules import AbsoluteScale, GroundPlaneScale
from cpose.evaluation.protocols.tao_protocol import TaoProtocol
from cpose.evaluation.tracks.track_metric import TrackMetric
from cpose.metric_scale.base import ScaleSource
from cpose.metric_scale.depth_images import DepthImages
from cpose.metric_scale.known_sizes import KnownDimensions, ModelDimensions
from cpose.metric_scale.planes import CameraHeight, MarkerBoard
from cpose.models.backbones.dla34_track import DLA34Track
from cpose.models.backbones.fan import FAN
from cpose.models.backbones.frame_before import FANTrack, TimmTrack
from cpose.models.backbones.timm_backbone import DLA34, TimmBackbone
from cpose.models.base import (
    Backbone,
    Criterion,
    Head,
    IndexedLossTerm,
    MapLoss,
    Neck,
    SymmetryAssignment,
    TargetLoss,
)
from cpose.models.heads import CenterPoseHead
from cpose.models.losses.center_pose_loss import CenterPoseLoss
from cpose.models.losses.loss_terms import (
    DenseDisplacementLoss,
    GaussianFocalLoss,
    HeatmapMSELoss,
    KLDUncertaintyLoss,
    MaskedL1Loss,
    RelativeL1Loss,
)
from cpose.models.losses.symmetry_assignments import (
    ImageSymmetryAssignment,
    ObjectSymmetryAssignment,
)
from cpose.models.necks import DLAUpNeck, IDAUpNeck

BACKBONES: list[type[Backbone]] = [FAN, TimmBackbone, DLA34, DLA34Track, TimmTrack, FANTrack]
NECKS: list[type[Neck]] = [DLAUpNeck, IDAUpNeck]
HEADS: list[type[Head]] = [CenterPoseHead]
CRITERIA: list[type[Criterion]] = [CenterPoseLoss]
MAP_LOSSES: list[type[MapLoss]] = [GaussianFocalLoss, HeatmapMSELoss]
INDEXED_LOSSES: list[type[IndexedLossTerm]] = [MaskedL1Loss, RelativeL1Loss, KLDUncertaintyLoss]
TARGET_LOSSES: list[type[TargetLoss]] = [DenseDisplacementLoss]
ASSIGNMENTS: list[type[SymmetryAssignment]] = [ImageSymmetryAssignment, ObjectSymmetryAssignment]

CODECS: list[type[Codec]] = [CenterPoseCodec]
BRANCHES: list[type[Branch]] = [
    CenterHeatmapBranch,
    CornerHeatmapBranch,
    BoxSizeBranch,
    CenterOffsetBranch,
    CornerOffsetBranch,
    CornerDisplacementBranch,
    DimsBranch,
    CornerStdBranch,
    DimsStdBranch,
    CenterTrackingBranch,
    CornerTrackingBranch,
]
SYMMETRIES: list[type[Symmetry]] = [NoSymmetry, RotationalSymmetry, CuboidSymmetry]
CENTER_RULES: list[type[CenterRule]] = [BoxCenter, ProjectedCenter]
CORNER_RULES: list[type[CornerRule]] = [SubpixelCorners, TruncatedCorners]
DIMS_CODERS: list[type[DimsCoder]] = [AbsoluteDims, RelativeDims, ResidualDims]
POINT_SOURCES: list[type[PointSource]] = [DisplacementAndHeatmapPoints, DisplacementPoints]
SOLVERS: list[type[PoseSolver]] = [InFrontPnP, IterativePnP]
WEIGHTED_SOLVERS: list[type[WeightedPoseSolver]] = [StdWeightedPnP]
REFINERS: list[type[DimsRefiner]] = [KnownDims, PredictedDims, ReprojectedDims]
POSTPROCESSORS: list[type[Postprocessor]] = [PosePostprocessor]

SOURCES: list[type[RecordSource]] = [
    *(CenterPoseDataset, ImageFolderDataset, SyntheticCuboidDataset),
    *(VideoPairDataset, SyntheticVideoDataset),
]
TRANSFORMS: list[type[Transform]] = [
    *(LoadPoseImage, ExpandSymmetries, TruncateCorners, RandomPoseAffine, LetterboxAffine),
    *(CenterNetColorJitter, PackPoseInputs),
]

PROTOCOLS: list[type[EvaluationProtocol]] = [OneToOneProtocol, TaoProtocol]
SCALE_RULES: list[type[ScaleRule]] = [AbsoluteScale, GroundPlaneScale]
METRICS: list[type[Metric]] = [ObjectronMetric, TrackMetric]
SCALE_SOURCES: list[type[ScaleSource]] = [
    *(KnownDimensions, ModelDimensions, CameraHeight, MarkerBoard, DepthImages),
]

FAMILIES: list[type[WeightFamily]] = [
    *(OwnModel, OwnBackbone, TaoDLA34, TaoFAN, NVlabsDLA34, NVlabsTrack),
    *(DLA34ImageNet, FANImageNet, EfficientNetLite),
]
FORMATS: list[type[CheckpointFormat]] = [SafetensorsFormat]
RUNTIMES: list[type[NetworkRuntime]] = [OnnxRuntime, TensorRTRuntime, TorchRuntime]
