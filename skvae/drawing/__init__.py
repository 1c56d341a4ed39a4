"""Colours, axes, labels and maps that pictures of several rooms share."""
