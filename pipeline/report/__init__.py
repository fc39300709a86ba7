"""The report page of a run: one self-contained HTML file about where, what, how good and how learnt."""

from pipeline.report.gather import is_run
from pipeline.report.page import write_report

__all__ = ["is_run", "write_report"]
