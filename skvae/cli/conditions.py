"""Values of columns in arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from skvae.cli.cells import Dates, Dtype, Form, Numbers, Reading, Truths, kind_of, truths_of


def read_condition(
    pairs: Sequence[str],
    like: pd.DataFrame,
    *,
    forms: Mapping[str, Form] | None = None,
    reading: Reading | None = None,
) -> dict[str, Any]:
    """Values of columns from COLUMN=VALUE, in the dtypes of a table, and in the form of a file that is known."""
    given = {}
    for pair in pairs:
        if "=" not in pair:
            raise ValueError(f"--given needs COLUMN=VALUE, got {pair!r} without an equals sign. Write {pair}=VALUE.")
        name = max((name for name in like.columns if pair.startswith(f"{name}=")), key=len, default=None)
        if name is None:
            raise ValueError(
                f"--given needs COLUMN=VALUE, and names the column {pair.partition('=')[0]!r}, but the columns are "
                f"{', '.join(like.columns[:20])}. Name one of these."
            )
        text = pair.removeprefix(f"{name}=")
        dtype = like[name].dtype
        form = (forms or {}).get(name)
        cell = pd.Series([text], dtype="object", name=name)
        if not text:  # an empty cell
            given[name] = float("nan")
            continue
        if form is None and kind_of(dtype) == "dates":
            form = (reading or Reading()).form_for(cell, dtype)
        elif form is None and kind_of(dtype) == "true and false":
            form = truths_of(cell)
        if form is not None and not form.fits(text):
            raise ValueError(f"--given {pair}: {text!r} is no value of {name!r}, which holds {form.holds}.")
        try:
            values = form.read(cell) if isinstance(form, Dates | Numbers | Truths) else cell
            given[name] = values.astype(_dtype_of_values(dtype)).iloc[0]
        except (ValueError, TypeError) as error:
            raise ValueError(f"--given {pair}: {text!r} is no value of {name!r}, whose type is {dtype}.") from error
    return given


def _dtype_of_values(dtype: Dtype) -> Dtype:
    """Dtype of the values of a column: of a category that of its levels."""
    if isinstance(dtype, pd.CategoricalDtype):
        return dtype.categories.dtype
    return dtype
