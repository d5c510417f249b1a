"""Networks: pairs of a generator and a discriminator."""
