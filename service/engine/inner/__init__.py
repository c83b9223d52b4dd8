"""Gates and gradients of an LSTM, computed from recorded states: a step graph puts out neither."""
