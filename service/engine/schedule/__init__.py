"""Which sequence runs in which row of a batch, and what each round gives to the sequences."""
