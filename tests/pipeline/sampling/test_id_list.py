from pathlib import Path

import pytest
from shapely import Point

from pipeline.sampling.id_list import choose, read_ids
from pipeline.sampling.list_row import ListRow
from pipeline.schema.errors import UsageError


@pytest.mark.parametrize(
    "text",
    ["0000002\n0000001\n0000002\n", "\n 0000002 \r\n0000001\n", "split,ID\ntrain,0000002\ntest,0000001\n"],
)
def test_ids_one_a_line_or_a_column(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ids.txt"
    path.write_text(text)
    assert read_ids(path) == ["0000002", "0000001"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("\n", "holds no ids"), ("a\nb,c\n", "line 2 has several fields"), ("x,id\n1,a\n2\n", "line 3 has no id")],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "ids.txt"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        read_ids(path)


def test_a_list_with_none_of_the_ids_is_refused() -> None:
    rows = [ListRow("0000001", "row 1", Point(0, 0)), ListRow("0000002", "row 2", Point(1, 0))]
    with pytest.raises(UsageError, match="none of the 2 ids in ids, like 1, is in list, which has ids like 0000001"):
        choose(rows, ["1", "2"], Path("list"), Path("ids"))
    assert choose(rows, ["0000002"], Path("list"), Path("ids")) == ([rows[1]], "")
