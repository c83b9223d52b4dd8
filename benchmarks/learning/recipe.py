"""The recipe that charloom's LSTM and PyTorch's share in the race.

Of rates from 0.0025 to 0.008 and of sequences of 32 and 64 characters, these serve both best after a minute.
"""

UNITS, EMBEDDING = 512, 128
ROWS, LENGTH = 32, 32
RATE = 0.004
