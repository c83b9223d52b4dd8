"""Writes a character-level transformer of nanoGPT's size as GGUF, with random weights in Q8_0.

`python -m benchmarks.http.peers.transformer FILE SYMBOLS`. The size is that of nanoGPT's
`config/train_shakespeare_char.py`: 6 layers of 384 units with 6 heads, 10.6 M weights. The context is
longer than nanoGPT's 256 characters, to hold a request's 400.
"""

import sys

import gguf
import numpy as np

LAYERS, UNITS, HEADS, CONTEXT = 6, 384, 6, 2048
INNER = 4 * UNITS
SCALE = 0.02  # of GPT-2's initial weights


def main(path: str, symbols: str) -> None:
    """Write the file."""
    writer = gguf.GGUFWriter(path, "gpt2")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(UNITS)
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_feed_forward_length(INNER)
    writer.add_layer_norm_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    _add_vocabulary(writer, symbols)
    _add_weights(writer, len(symbols))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_vocabulary(writer: gguf.GGUFWriter, symbols: str) -> None:
    """Add one token for each character; RWKV's is llama.cpp's only tokenizer without special tokens."""
    writer.add_tokenizer_model("rwkv")
    escaped = {"\n": "\\n", "\\": "\\\\"}
    writer.add_token_list([escaped.get(symbol, symbol) for symbol in symbols])
    writer.add_token_types([gguf.TokenType.NORMAL] * len(symbols))


def _add_weights(writer: gguf.GGUFWriter, symbols: int) -> None:
    rng = np.random.default_rng(2017)

    def matrix(name: str, rows: int, columns: int) -> None:
        drawn = rng.normal(0, SCALE, (rows, columns)).astype(np.float32)
        kind = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(f"{name}.weight", gguf.quantize(drawn, kind), raw_dtype=kind)

    def norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(UNITS, np.float32))
        writer.add_tensor(f"{name}.bias", np.zeros(UNITS, np.float32))

    def linear(name: str, outputs: int, inputs: int) -> None:
        matrix(name, outputs, inputs)
        writer.add_tensor(f"{name}.bias", np.zeros(outputs, np.float32))

    matrix("token_embd", symbols, UNITS)
    matrix("position_embd", CONTEXT, UNITS)
    for number in range(LAYERS):
        layer = f"blk.{number}"
        norm(f"{layer}.attn_norm")
        linear(f"{layer}.attn_qkv", 3 * UNITS, UNITS)
        linear(f"{layer}.attn_output", UNITS, UNITS)
        norm(f"{layer}.ffn_norm")
        linear(f"{layer}.ffn_up", INNER, UNITS)
        linear(f"{layer}.ffn_down", UNITS, INNER)
    norm("output_norm")


if __name__ == "__main__":
    main(*sys.argv[1:])
