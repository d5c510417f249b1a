"""Further terms of a phase, beside the objective."""
