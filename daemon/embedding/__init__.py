"""Embedders: what turns words into vectors, so that what means the same is found in other words, too."""
