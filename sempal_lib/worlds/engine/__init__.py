"""What the procedural worlds share."""
