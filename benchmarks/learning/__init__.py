"""Learning a text in minutes: charloom beside PyTorch's LSTM and a transformer."""
