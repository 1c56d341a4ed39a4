"""Colours of all pictures, in one place, so that they can be told from one another."""

INK = "#22303c"  # text
FAINT = "#7d8896"  # notes, and the line of an axis
PALE = "#e6eaf0"  # lines of a grid

BLUE = "#3a6ea5"  # what a model says, or the only curve
RED = "#d1495b"  # what stands out: held-out rows, the best, the inactive
GREY = "#b3bcc8"  # missing values, and originals behind what a model makes of them
REAL, SYNTHETIC = "#b9c5d6", RED  # rows of the two tables

CLASSES = (  # told apart by eyes of all kinds, neighbours in the list most of all
    *("#3f90da", "#e76300", "#117733", "#832db6", "#bd1f01", "#009e8e"),
    *("#b8860b", "#332288", "#a96b59", "#717581", "#e377c2", "#7fb800"),
)

EMPTY_CELL = "#eef1f5"  # no number, on a colour map that begins at white
EMPTY_CELL_OF_TWO_SIDES = "#dcdcdc"  # no number, on a colour map with white in its middle
