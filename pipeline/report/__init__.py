"""The report page of a run: one self-contained HTML file about where, what, how good and how learnt."""

from pipeline.report.page import write_report

__all__ = ["write_report"]
