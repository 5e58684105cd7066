"""Train what a search found, anew: more epochs, other data, several seeds, and the test split."""

PLAN, RESULTS = "retrain.json", "final_results.json"
"""Files of a retraining's folder: what it was asked to do, and at its end what came out."""
