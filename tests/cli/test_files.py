import pandas as pd
import pytest

from skvae.cli.files import kind_of_file, read_condition, read_table, write_table


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.tsv", "T.PARQUET"])
def test_tables_come_back(name, tmp_path):
    frame = pd.DataFrame({"n": pd.array([1, None, 3], "Int64"), "word": pd.array(["ä", None, "c,\td"], "string")})
    write_table(frame, path := str(tmp_path / name))
    pd.testing.assert_frame_equal(read_table(path), frame)
    assert list(read_table(path, drop=["n"]).columns) == ["word"]


def test_columns_of_dates(tmp_path):
    path = str(tmp_path / "t.csv")
    pd.DataFrame({"day": ["2024-01-31", None]}).to_csv(path)
    assert read_table(path, drop=["Unnamed: 0"], dates=["day"])["day"].dtype.kind == "M"


def test_a_name_tells_the_format():
    assert [kind_of_file(name) for name in ("a.csv.gz", "a.b.parquet")] == [".csv", ".parquet"]
    with pytest.raises(ValueError, match="tells its format"):
        kind_of_file("table")


def test_conditions_take_the_dtype_of_their_column():
    like = pd.DataFrame(
        {"n": pd.array([1], "Int64"), "x": [1.5], "g": pd.Categorical([2]), "t": pd.to_datetime(["2024"])}
    )
    given = read_condition(["n=3", "x=1e3", "g=2", "t=2024-02-01"], like)
    assert given == {"n": 3, "x": 1000.0, "g": 2, "t": pd.Timestamp(2024, 2, 1)}
