"""What is told while a run trains."""
