"""The file of the tracks of a video: written, read, and followed again."""
