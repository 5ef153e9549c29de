"""The model catalog: which models there are, where their weights lie, and which one serves."""
