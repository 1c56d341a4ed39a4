import pandas as pd
import pytest

from skvae.cli.dates import DateFormat, find_format, given_format, kept_format

COLUMNS = {
    "%d.%m.%Y": ["05.01.2023", "13.12.2023"],
    "%m/%d/%Y": ["05/01/2023", "12/13/2023"],
    "%Y-%m-%d": ["2023-01-05", "2023-12-11"],
    "%Y%m%d": ["20230105", "20231211"],
    "%d %b %Y": ["05 May 2023", "13 May 2023"],
    "%Y-%m-%d %H:%M": ["2023-01-05 10:30", "2023-12-11 00:00"],
    "%Y-%m-%dT%H:%M:%S%z": ["2023-01-05T10:00:00+02:00", "2023-12-11T00:00:00+02:00"],
    "%Y-%m-%dT%H:%M:%SZ": ["2023-01-05T10:00:00Z", "2023-12-11T00:00:00Z"],
    "%-m/%-d/%Y %-I:%M %p": ["1/5/2023 1:05 PM", "12/13/2023 10:00 AM"],
    "%m/%d/%Y %-H:%M": ["01/05/2023 1:05", "12/13/2023 10:00"],
    "%-d.%m.%Y": ["5.01.2023", "13.12.2023"],
    "%d.%m.%y %H:%M:%S": ["31.01.99 10:30:01", "05.01.32 00:00:00"],
}


@pytest.mark.parametrize("pattern", COLUMNS)
def test_a_format_reads_and_writes_its_cells(pattern):
    cells = pd.Series(COLUMNS[pattern], dtype=object)
    found = find_format(cells, "d")
    assert found == DateFormat.of(pattern) and found.typed == pattern
    dates = found.try_read(cells)
    assert dates.equals(pd.to_datetime(cells, format=pattern.replace("%-", "%").replace("SZ", "S%z")))
    assert given_format(cells, "d", pattern) == found
    assert found.write(dates).tolist() == COLUMNS[pattern]


def test_zeros_are_left_out_where_the_file_leaves_them_out():
    cells = pd.Series(["5.1.2023", "13.12.2023", "10.10.2020"], dtype=object)
    found = find_format(cells, "d")
    assert found == DateFormat("%d.%m.%Y", bare="dm")
    assert found.write(pd.Series([pd.Timestamp(2024, 2, 3)])).tolist() == ["3.2.2024"]


def test_what_was_typed_is_kept_where_the_cells_leave_it_open():
    cells = pd.Series(["10.10.2023"], dtype=object)
    assert given_format(cells, "d", "%-d.%m.%Y").typed == "%-d.%m.%Y"
    assert given_format(cells[:0], "d", "%-d.%m.%Y").typed == "%-d.%m.%Y"
    assert find_format(cells, "d", day_first=True).typed == "%d.%m.%Y"


def test_dates_in_doubt_are_refused_or_decided():
    cells = pd.Series(["05.01.2023", "11.12.2023"])
    with pytest.raises(ValueError, match=r"2023-01-05 or 2023-05-01\. Say which: --date d=%d\.%m\.%Y, or --day-first"):
        find_format(cells, "d")
    assert find_format(cells, "d", day_first=True) == DateFormat("%d.%m.%Y")
    assert given_format(cells, "d", "%m.%d.%Y").try_read(cells)[1] == pd.Timestamp(2023, 11, 12)
    assert find_format(pd.Series(["2023-01-05"]), "d", day_first=True) == DateFormat("%Y-%m-%d")


def test_what_is_no_date_gets_a_sentence():
    with pytest.raises(ValueError, match=r"none that is known reads all of 'd': '13\.01\.2023', 'soon'"):
        find_format(pd.Series(["13.01.2023", "soon"]), "d")
    with pytest.raises(ValueError, match=r"--date d=%d\.%m\.%Y must read every cell, but '2023-01-05' is not"):
        given_format(pd.Series(["2023-01-05"]), "d", "%d.%m.%Y")
    with pytest.raises(ValueError, match="needs a format with signs"):
        given_format(pd.Series(["2023-01-05"]), "d", "%Q")


def test_mixtures_of_iso_are_read():
    cells = pd.Series(["2023-01-05 10:00:00", "2023-01-05 10:00:00.5"])
    assert find_format(cells, "d").try_read(cells).dt.microsecond.tolist() == [0, 500_000]


@pytest.mark.parametrize("sign", ["T", " "])
@pytest.mark.parametrize("ends", [("+01:00", "+02:00"), (".5+01:00", "+02:00"), ("+0100", "+0200")])
def test_moments_of_several_offsets_are_in_utc(sign, ends):
    cells = pd.Series([f"2023-01-05{sign}10:00:00{ends[0]}", f"2023-07-05{sign}10:00:00{ends[1]}"], dtype=object)
    found = find_format(cells, "d")
    moments = found.try_read(cells)
    assert str(moments.dt.tz) == "UTC" and moments.dt.hour.tolist() == [9, 8]
    assert found.try_read(found.write(moments)).equals(moments)
    assert given_format(cells, "d", found.typed) == found


def test_offsets_beside_none_get_a_sentence():
    cells = pd.Series(["2023-01-05 10:00", "2023-01-05T10:00:00+02:00"], dtype=object)
    for read in (find_format, lambda cells, name: given_format(cells, name, "ISO8601")):
        with pytest.raises(ValueError, match=r"'d' has '2023-01-05T10:00:00\+02:00' and '2023-01-05 10:00'\. Write"):
            read(cells, "d")
    assert find_format(pd.Series(["2023-01-05", "2023-01"], dtype=object), "d") == DateFormat("ISO8601")


def test_a_format_is_kept_as_it_is_typed():
    bare = DateFormat("%d.%m.%Y", bare="dm")
    assert bare.typed == "%-d.%-m.%Y" and DateFormat.of(bare.typed) == bare
    cells = pd.Series(["10.12.2023", "11.11.2023"], dtype=object)
    assert kept_format(cells, "%-d.%-m.%Y") == bare
    assert kept_format(cells, "%d.%m.%Y") == DateFormat("%d.%m.%Y")
    assert kept_format(pd.Series(["05.01.2023"]), "%-d.%-m.%Y") == DateFormat("%d.%m.%Y")  # as in the file at hand
    assert kept_format(cells, "%Y-%m-%d") is None and kept_format(cells, "%Q") is None
    assert given_format(pd.Series(["5.1.2023"]), "d", "%-d.%-m.%Y") == bare
