"""artgan: train GANs on your own pictures, walk their latents. Holds the version only."""

__version__ = "0.1.0"
