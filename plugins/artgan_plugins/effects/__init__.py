"""Changes to finished pictures: symmetries. Pure functions, each picture on its own."""
