import sys

import pandas as pd
import pytest

from skvae.cli.cells import Reading
from skvae.cli.dialect import read_text
from skvae.cli.files import kind_of_file, read_table
from skvae.cli.writing import write_filled, write_table
from tests.cli.written import written


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.tsv", "T.PARQUET"])
def test_tables_come_back(name, tmp_path):
    frame = pd.DataFrame({"n": pd.array([1, None, 3], "Int64"), "word": pd.array(["ä", None, "c,\td"], "string")})
    write_table(frame, path := str(tmp_path / name))
    pd.testing.assert_frame_equal(read_table(path).frame, frame)
    assert list(read_table(path, drop=["n"]).frame.columns) == ["word"]


def test_columns_of_dates(tmp_path):
    path = str(tmp_path / "t.csv")
    pd.DataFrame({"day": ["2024-01-31", None]}).to_csv(path)
    source = read_table(path, drop=["Unnamed: 0"], reading=Reading(dates={"day": None}))
    assert source.frame["day"].dtype.kind == "M"


def test_a_name_tells_the_format():
    assert [kind_of_file(name) for name in ("a.csv.gz", "a.b.parquet")] == [".csv", ".parquet"]
    with pytest.raises(ValueError, match="tells its format"):
        kind_of_file("table")


def test_only_empty_cells_are_gaps(tmp_path):
    path = written(tmp_path, "zip,country,word\n00501,NA,nan\n10001,,None\n,DE,n/a\n")
    frame = read_table(path).frame
    assert frame["zip"].fillna("gap").tolist() == ["00501", "10001", "gap"]
    assert frame["country"].fillna("gap").tolist() == ["NA", "gap", "DE"]
    assert frame["word"].tolist() == ["nan", "None", "n/a"]


@pytest.mark.parametrize(("sign", "decimal"), [(";", ","), ("\t", ","), ("|", "."), (",", ".")])
def test_separators_and_decimals_are_found_and_come_back(sign, decimal, tmp_path):
    text = sign.join("xnw") + "\n" + "".join(sign.join([x.replace(".", decimal), n, "a b"]) + "\n" for x, n in ROWS)
    source = read_table(written(tmp_path, text))
    assert source.frame["x"].tolist() == [1.5, -0.25, 1000.0] and source.frame["n"].dtype == "Int64"
    write_table(source.frame, out := str(tmp_path / "out.csv"), dialect=source.dialect, forms=source.forms)
    assert (tmp_path / "out.csv").read_text() == text
    assert read_table(out).frame.equals(source.frame)


ROWS = [("1.5", "1"), ("-0.25", "2"), ("1000.0", "3")]


def test_what_is_in_doubt_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"2 by ',' and 2 by ';'\. Say which: --sep ','"):
        read_table(written(tmp_path, "a,b;c\n1,2;3\n"))
    with pytest.raises(ValueError, match=r"sign, but commas in 'x' may be thousands\. Say which: --decimal"):
        read_table(written(tmp_path, "x;y\n1,234;a\n5,678;b\n"))
    with pytest.raises(ValueError, match=r"'x' have commas, and those of 'y' points\."):
        read_table(written(tmp_path, "x;y\n1,5;1.5\n"))
    path = written(tmp_path, "x;y\n1,234;a\n5,678;b\n")
    assert read_table(path, decimal=",").frame["x"].tolist() == [1.234, 5.678]
    assert read_table(path, decimal=".").frame["x"].tolist() == ["1,234", "5,678"]
    with pytest.raises(ValueError, match=r"has 'a' more than once\. Rename one\."):
        read_table(written(tmp_path, "a,a\n1,2\n"))


def test_encodings(tmp_path):
    path = written(tmp_path, "a,n\nKöln,1\n", encoding="latin-1")
    with pytest.raises(ValueError, match=r"read as utf-8, but holds other bytes .* --encoding latin-1"):
        read_table(path)
    assert read_table(path, encoding="latin-1").frame["a"].tolist() == ["Köln"]
    with pytest.raises(ValueError, match="--encoding klingon is unknown"):
        read_table(path, encoding="klingon")
    for encoding in ("utf-8-sig", "utf-16"):
        assert read_table(written(tmp_path, "a,n\nKöln,1\n", encoding=encoding)).frame["a"].tolist() == ["Köln"]


def test_sheets_of_excel(tmp_path):
    pytest.importorskip("openpyxl")
    frame = pd.DataFrame({"zip": ["00501", "NA", None], "n": [1, None, 3], "x": [0.5, 1.5, None]})
    frame["day"] = pd.to_datetime(["2024-01-31", None, "2024-02-01"])
    frame.to_excel(path := str(tmp_path / "t.xlsx"), index=False)
    read = read_table(path).frame
    assert read["zip"].fillna("gap").tolist() == ["00501", "NA", "gap"]
    assert read.dtypes.astype(str).tolist()[1:3] == ["Int64", "Float64"] and read["day"].dtype.kind == "M"


def test_excel_needs_openpyxl(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ImportError, match=r"openpyxl, which is not installed\. Run: python -m pip install openpyxl"):
        read_table(written(tmp_path, "", "t.xlsx"))


def test_columns_without_a_cell_are_left_out(tmp_path, capsys):
    source = read_table(written(tmp_path, "a,b\n1,\n2,\n"))
    assert list(source.frame.columns) == ["a"]
    assert "note: nothing is learned of columns without a cell, which are left out: b" in capsys.readouterr().err


@pytest.mark.parametrize("cell", ["1e400", "-1e999", "1e-400"])
def test_numbers_that_are_no_floats_are_text(cell, tmp_path, capsys):
    frame = read_table(written(tmp_path, f"a\n1e3\n{cell}\n0e-999\n")).frame
    assert frame["a"].tolist() == ["1e3", cell, "0e-999"]


def test_the_types_of_a_model_are_kept(tmp_path):
    dtypes = {"zip": pd.StringDtype(), "n": pd.Int64Dtype(), "day": pd.Series(pd.to_datetime(["2024"])).dtype}
    path = written(tmp_path, "n,day,zip,more\n1,13.01.2024,501,x\n,,,y\n")
    frame = read_table(path, dtypes=dtypes).frame
    assert list(frame.columns) == ["zip", "n", "day"]
    assert frame["zip"][0] == "501" and frame["n"][0] == 1 and frame["day"][0] == pd.Timestamp(2024, 1, 13)
    with pytest.raises(ValueError, match="Column 'n' held whole numbers when the model was fitted, but now holds 'x'"):
        read_table(written(tmp_path, "n,day,zip\nx,13.01.2024,501\n"), dtypes=dtypes)
    with pytest.raises(ValueError, match="has no column 'zip', which was there when the model was fitted"):
        read_table(written(tmp_path, "n,day\n1,13.01.2024\n"), dtypes=dtypes)
    pd.DataFrame({"n": ["1"], "day": ["2024-01-13"], "zip": ["1"]}).to_parquet(path := tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="Column 'n' held numbers when the model was fitted, but now holds text"):
        read_table(str(path), dtypes=dtypes)


def test_a_file_without_rows_gets_a_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"is empty\. A table begins with a row of names"):
        read_table(written(tmp_path, ""))
    with pytest.raises(ValueError, match="holds 0 rows of 2 columns"):
        read_table(written(tmp_path, "a,b\n"))


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.xz", "a.csv.zip", "a.parquet", "a.xlsx"])
@pytest.mark.parametrize("cut", [False, True])
def test_files_of_another_format_and_files_cut_off_get_a_sentence(name, cut, tmp_path):
    path, frame = tmp_path / name, pd.DataFrame({"a": [0.1 * i for i in range(999)]})
    if name == "a.parquet":
        frame.to_parquet(path)
    elif name == "a.xlsx":
        pytest.importorskip("openpyxl")
        frame.to_excel(path, index=False)
    else:
        frame.to_csv(path, index=False)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3] if cut else b"a\n1\n2\n")
    with pytest.raises(
        ValueError, match=r"tells its format, but .* is not whole \(.+\)\. Rename it, or fetch it again"
    ):
        read_table(str(path))


def test_a_folder_is_no_table(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(ValueError, match=r"A table is a file, but '.*a\.csv' is a folder\. Name a file in it"):
        read_table(str(tmp_path / "a.csv"))


def test_a_blank_line_of_one_column_is_a_gap(tmp_path):
    for text in ("\na\n1\n\n3\n\n", "a\r\n1\r\n\r\n3\r\n\r\n", 'a\n1\n""\n3\n""\n', "a\r1\r\r3\r\r"):
        assert read_table(written(tmp_path, text)).frame["a"].fillna(0).tolist() == [1, 0, 3, 0]
    for text in ("\na,b\n1,2\n\n3,4\n\n", "a,b\r\r1,2\r\r\r3,4\r\r"):
        assert read_table(written(tmp_path, text)).frame["a"].tolist() == [1, 3]


def test_excels_hint_is_followed(tmp_path):
    source = read_table(written(tmp_path, text := "\ufeffsep=;\r\na;b\r\n1;x\r\n;y\r\n"))
    assert source.frame.fillna({"a": 0}).to_numpy().tolist() == [[1, "x"], [0, "y"]]
    write_filled(source, source.frame.fillna({"a": 5}), path := str(tmp_path / "full.csv"))
    assert read_text(path, "utf-8") == text.replace("\n;", "\n5;")


def test_names_in_excel(tmp_path):
    cells = pd.DataFrame([["n", 2020, None], [1, "x", 0.5], [None, "y", 1]])
    cells.to_excel(path := str(tmp_path / "t.xlsx"), index=False, header=False)
    frame = read_table(path).frame
    assert list(frame.columns) == ["n", "2020", "Unnamed: 2"] and frame.dtypes.astype(str).tolist()[0] == "Int64"
    cells.assign(**{"0": ["n", 1, 2]}).to_excel(path, index=False, header=False)
    with pytest.raises(ValueError, match="has 'n' more than once"):
        read_table(path)
    pd.DataFrame().to_excel(path, index=False)
    with pytest.raises(ValueError, match=r"is empty\. A table begins with a row of names"):
        read_table(path)
