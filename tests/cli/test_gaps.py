import io

import numpy as np
import pandas as pd
import pytest

from skvae.cli.gaps import fill_gaps, records


@pytest.mark.parametrize(
    ("text", "fillings", "full"),
    [
        ("a,b\n1,\n,2\n", {0: {1: "x"}, 1: {0: "y"}}, "a,b\n1,x\ny,2\n"),
        ('"a","b"\r\n"1",""\r\n', {0: {1: "x"}}, '"a","b"\r\n"1","x"\r\n'),  # quoted gaps are filled in quotes
        ('a,b\n"1",\n', {0: {1: 'x,"y"\r'}}, 'a,b\n"1","x,""y""\r"\n'),  # and others where they must be
        ('a;b\n"1\n\n""2""";\n"\n";3', {0: {1: "x;"}}, 'a;b\n"1\n\n""2""";"x;"\n"\n";3'),
        ("\n \na,b\n\n,1\n \n,2", {0: {0: "x"}, 1: {0: "y"}}, "\n \na,b\n\nx,1\n \ny,2"),  # blank lines are no rows
        ("\na\n1\n\n\n2\n", {1: {0: "x"}, 2: {0: "y"}}, "\na\n1\nx\ny\n2\n"),  # but gaps of a single column
        ("a,b,c\n1\n", {0: {2: "x"}}, "a,b,c\n1,,x\n"),
        ("a|b\n1|", {0: {1: "x"}}, "a|b\n1|x"),
        ('a,b\n5" pipe,\n"5"",",\n"5"x"y,\n', {0: {1: "p"}, 1: {1: "q"}}, 'a,b\n5" pipe,p\n"5"",",q\n"5"x"y,\n'),
    ],
)
def test_gaps_are_filled_where_they_stand(text, fillings, full):
    sign = next(sign for sign in ";|," if sign in text or sign == ",")
    assert fill_gaps(text, sign, {}) == text
    assert fill_gaps(text, sign, fillings) == full


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_fields_are_those_of_pandas(end):
    rng = np.random.default_rng(0)
    n_read = 0
    for _ in range(300):
        text = f"a,b,c{end}" + "".join(rng.choice([*'x,,," ;', end], 24))
        try:
            cells = pd.read_csv(io.StringIO(text, newline=""), header=None, dtype=str, keep_default_na=False)
        except pd.errors.ParserError:
            continue
        n_read += 1
        gaps = []
        for record in records(text, ","):
            if len(record) > 1 or record[0][0].strip():
                gaps.append([field in ("", '""') for field, _ in record] + [True] * (3 - len(record)))
        assert gaps == cells.fillna("").eq("").to_numpy().tolist(), text
    assert n_read > 30


def test_an_observed_cell_is_never_written_over():
    with pytest.raises(ValueError, match="one is cut before '1' by a carriage return"):
        fill_gaps("a,b\n\r1,2\n", ",", {0: {0: "x"}})
