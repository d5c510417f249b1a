"""Changes to what the discriminator is shown, reals and fakes alike."""
