"""The recurrence itself: graphs, unfolded systems, the forward pass, shared weights, the ice-cream store."""
