"""The report of an evaluation: one page with everything inside, and the same as JSON."""

from ezrvc_eval.report.page import write_report

__all__ = ["write_report"]
