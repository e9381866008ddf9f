"""ROS 2: images and cameras in, detections in 3D out."""
