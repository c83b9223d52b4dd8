"""What an LSTM computes inside, which its step graph does not put out: gates and gradients."""
