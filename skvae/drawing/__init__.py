"""What pictures share: colours, axes, labels and maps, below everything that draws."""
