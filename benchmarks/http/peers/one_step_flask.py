"""The TensorFlow tutorial's `OneStep` behind Flask; as in the tutorial, no request fixes the draws."""

from typing import Any

import tensorflow as tf
from flask import Flask, request

from benchmarks.peers.one_step import OneStep
from benchmarks.weights import SYMBOLS

app = Flask(__name__)
one_step = OneStep()
ids = {symbol: number for number, symbol in enumerate(SYMBOLS)}


@app.post("/generate")
def generate() -> dict[str, str]:
    """Write the characters after the seed text."""
    asked: dict[str, Any] = request.get_json()
    seed = tf.constant([[ids[symbol] for symbol in asked["seed"]]], tf.int64)
    (drawn,) = one_step.write(seed, asked["length"])
    return {"text": "".join(SYMBOLS[number] for number in drawn)}


@app.get("/readyz")
def readyz() -> bytes:
    """Answer that the application is loaded."""
    return b""
