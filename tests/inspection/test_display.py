import inspect

import pytest

from skvae import inspection
from skvae.inspection.display import Display

DISPLAYS = [value for name, value in vars(inspection).items() if name.endswith("Display")]


@pytest.mark.parametrize("display", DISPLAYS)
def test_every_picture_is_drawn_the_same_way(display):
    assert issubclass(display, Display)
    said = inspect.getdoc(display.plot)
    assert said.startswith("Draw.") and "ax : matplotlib Axes, optional" in said
    assert "ax" in inspect.signature(display.plot).parameters
