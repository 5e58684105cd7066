"""The search: a space, a study, trials that run side by side. Knows neither Hydra nor torch."""
