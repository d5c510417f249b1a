"""Feature networks that pictures are compared through."""
