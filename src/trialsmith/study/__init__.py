"""What is known of a study: its folder, its pages, its screens.

`StudyFolder` writes a study's files while it goes on; `progress` and `last_screen` are what its
user sees; `find_folder` and `open_study` lead from a name to the study.
"""
