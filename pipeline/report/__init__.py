"""The report page of a run: one self-contained HTML file about where, what, how good and how learnt."""

from pipeline.report.gather import is_run
from pipeline.report.page import write_report
from pipeline.report.sample_view import MOST, SHOWN

__all__ = ["MOST", "SHOWN", "is_run", "write_report"]
