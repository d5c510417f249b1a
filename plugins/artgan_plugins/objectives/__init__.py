"""Adversarial losses: what each network is asked to lower."""
