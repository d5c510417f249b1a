"""From a folder of files to batches of pictures: intake, the prepared set, the order of samples."""
