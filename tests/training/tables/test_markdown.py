from training.tables.markdown import escaped, markdown
from training.tables.table import Cell, Row, Table


def test_a_table_in_markdown() -> None:
    rows = (
        Row(("a|b", "paper"), (Cell(1.0), None), "paper", "1"),
        Row(("<i>*c*</i>", "ours"), (Cell(2.0, 0.5, bold=True), Cell(3.0)), "ours", "2"),
    )
    table = Table("key", "A & B", ("Name", "Source"), (("frozen", "OA"), ("frozen", "AA")), rows, ("One.", "Two."))
    assert markdown("Title", ["Words."], [table]) == (
        "# Title\n\nWords.\n\n## A &amp; B\n\n"
        "| Name | Source | frozen OA | frozen AA |\n"
        "| --- | --- | ---: | ---: |\n"
        "| a\\|b | paper | 1.00 | – |\n"
        "| \\<i\\>\\*c\\*\\</i\\> | ours | **2.00 ± 0.50** | 3.00 |\n"
        "\nOne. Two.\n"
    )


def test_a_name_of_two_lines_does_not_break_its_row() -> None:
    assert escaped("a\nb_c") == "a b\\_c"
