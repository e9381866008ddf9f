"""One box labels the frames of a video: camera motion, the joint solution, what is written."""
