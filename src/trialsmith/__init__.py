"""Hydra configs, Lightning training and Optuna search, joined: one line runs a search."""
