"""Searches in stages, each begun from the best of the one before, and their comparison.

`stage.Stage` is what `hydra.sweeper.stage` builds; `report.report` writes and shows what a stage
found; `chain` runs the stages of a plan one after the other.
"""
