"""`report.html`: a whole study on one page that needs nothing beside it.

One section a file: each is a pure function from the study's table, and from what `runs` read of
trials' folders, to a `Section`. `page` puts them together; `assets` holds what the page looks like.
"""

from trialsmith.study.report.page import NAME, report_page

__all__ = ["NAME", "report_page"]
