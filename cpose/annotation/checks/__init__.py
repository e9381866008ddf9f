"""What may be wrong with a folder of annotated pictures: found, told, repaired."""
