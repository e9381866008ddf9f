"""The keys of TAO's CenterPose spec: one file per section."""
