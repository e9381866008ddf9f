"""Category-level 6-DoF object pose from one RGB image, on MMEngine registries."""

__version__ = '0.1.0'
