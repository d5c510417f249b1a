"""File formats that frames are written to."""
