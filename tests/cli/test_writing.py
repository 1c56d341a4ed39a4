import pandas as pd
import pytest

from skvae.cli.dialect import read_text
from skvae.cli.files import read_table
from skvae.cli.writing import write_filled
from tests.cli.written import written


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.csv.zip"])
def test_only_gaps_are_written(name, tmp_path):
    text = '\ufeff"n";"self";x\r\n"1";"a ""b""";"0,50"\r\n\r\n"";\'c\';,5\r\n2;"d;\n";\r\n'
    source = read_table(written(tmp_path, text), drop=["x"], decimal=",")
    full = source.frame.fillna({"n": 7})
    write_filled(source, full, path := str(tmp_path / name))
    assert read_text(path, "utf-8") == text.replace('\n"";', '\n"7";')
    write_filled(source, full, path := str(tmp_path / "t.tsv"))
    assert read_text(path, "utf-8-sig") == 'n\tself\tx\r\n1\t"a ""b"""\t0,50\r\n7\t\'c\'\t,5\r\n2\t"d;\n"\t\r\n'
    write_filled(source, full, path := str(tmp_path / "t.parquet"))
    frame = pd.read_parquet(path)
    assert frame["n"].tolist() == [1, 7, 2] and list(frame.columns) == ["n", "self", "x"]
    assert frame["x"].fillna(-1).tolist() == [0.5, 0.5, -1]  # of a column that was left out, gaps stay
    source = read_table(path, drop=["x"])
    write_filled(source, source.frame, out := str(tmp_path / "out.parquet"))
    pd.testing.assert_frame_equal(pd.read_parquet(out), frame)
