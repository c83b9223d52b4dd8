"""The random seeds of several texts, made from one."""

import hashlib
from dataclasses import replace

from service.api.schemas import MAX_RANDOM_SEED
from service.stream.generation import Generation


def random_seed_of(seed: int, number: int) -> int:
    """Return the random seed of text `number`, from 0 on; text 0 has the seed itself.

    The others have the first eight bytes of BLAKE2b over "seed/number", big-endian, without the top
    bit. A seed of OpenAI's may be negative: two's complement without the sign bit.
    """
    if number == 0:
        return seed & MAX_RANDOM_SEED
    digest = hashlib.blake2b(f"{seed}/{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") & MAX_RANDOM_SEED


def with_random_seed(generation: Generation, random_seed: int) -> Generation:
    """Return a generation with another random seed."""
    sampling = replace(generation.stream.sampling, random_seed=random_seed)
    return replace(generation, stream=replace(generation.stream, sampling=sampling))
