"""Memory: vanishing gradients, the cell line, kinds of cells, and what a cell codes."""
