# mypy: disable-error-code="no-any-return, arg-type, assignment, return-value, no-untyped-def"
"""numpy's random draws, bit for bit, for compiled code: SeedSequence, PCG64, bounded integers, choice, permutation.

A stream is a row of six uint64: the 128-bit state (high, low), the 128-bit increment (high, low), whether half of the
last 64 bits is still unused, and that half. Sources: numpy/random/bit_generator.pyx (SeedSequence),
src/pcg64/pcg64.h (XSL-RR 128/64), src/distributions/distributions.c (Lemire's bounded integers),
_generator.pyx (Generator.choice: Floyd's algorithm, then a shuffle; Generator.permutation: another).
"""

from typing import Any

import numpy as np
from numba import float64, uint32, uint64
from numpy.typing import NDArray

from lockstep.compute.compiled import compiled
from lockstep.errors import UserError

STATE_HIGH, STATE_LOW, INC_HIGH, INC_LOW, HAS_HALF, HALF = range(6)
STREAM_WORDS = 6

Stream = NDArray[np.uint64]
"""(6,) uint64"""

_MULTIPLIER_HIGH = uint64(2549297995355413924)
_MULTIPLIER_LOW = uint64(4865540595714422341)
_MASK32 = uint64(0xFFFFFFFF)


@compiled
def seed_stream(stream: Stream, seed: np.uint64) -> None:
    """What `numpy.random.PCG64(seed)` starts as. seed: 0 <= seed < 2**64."""
    pool = np.empty(4, dtype=np.uint32)
    words = (uint32(uint64(seed) & _MASK32), uint32(uint64(seed) >> uint64(32)), uint32(0), uint32(0))
    constant = uint32(0x43B0D7E5)
    for i in range(4):
        pool[i], constant = _hash_mix(words[i], constant, uint32(0x931E8875))
    for source in range(4):
        for target in range(4):
            if source != target:
                hashed, constant = _hash_mix(pool[source], constant, uint32(0x931E8875))
                mixed = uint32(uint32(0xCA01F9DD) * pool[target] - uint32(0x4973F715) * hashed)
                pool[target] = mixed ^ uint32(mixed >> uint32(16))
    generated = np.empty(8, dtype=np.uint64)
    constant = uint32(0x8B51F9DD)
    for i in range(8):
        word, constant = _hash_mix(pool[i % 4], constant, uint32(0x58F38DED))
        generated[i] = word
    quarters = generated[0::2] | (generated[1::2] << np.uint64(32))
    stream[STATE_HIGH] = stream[STATE_LOW] = np.uint64(0)
    stream[INC_HIGH] = (quarters[2] << np.uint64(1)) | (quarters[3] >> np.uint64(63))
    stream[INC_LOW] = (quarters[3] << np.uint64(1)) | np.uint64(1)
    stream[HAS_HALF] = stream[HALF] = np.uint64(0)
    _advance(stream)
    low = stream[STATE_LOW] + quarters[1]
    carry = np.uint64(1) if low < quarters[1] else np.uint64(0)
    stream[STATE_LOW] = low
    stream[STATE_HIGH] += quarters[0] + carry
    _advance(stream)


def read_generator(stream: Stream, generator: np.random.Generator) -> None:
    """Let the stream go on where NumPy's generator stands. Raises UserError for any other than PCG64."""
    state: Any = generator.bit_generator.state
    if state["bit_generator"] != "PCG64":
        raise UserError(f"The random generator must be NumPy's PCG64, not {state['bit_generator']}.")
    words = state["state"]["state"], state["state"]["inc"]
    for at, word in zip((STATE_HIGH, INC_HIGH), words, strict=True):
        stream[at], stream[at + 1] = word >> 64, word & 0xFFFFFFFFFFFFFFFF
    stream[HAS_HALF], stream[HALF] = state["has_uint32"], state["uinteger"]


def move_generator(generator: np.random.Generator, stream: Stream) -> None:
    """Let NumPy's generator, a PCG64, go on where the stream stands."""
    state_high, state_low, inc_high, inc_low, has_half, half = stream.tolist()
    generator.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": state_high << 64 | state_low, "inc": inc_high << 64 | inc_low},
        "has_uint32": has_half,
        "uinteger": half,
    }


@compiled
def draw_below(stream: Stream, bound: int) -> int:
    """A uniform integer in 0..bound-1, as `Generator.integers(bound)` draws it; 1 <= bound <= 2**32 - 1.

    Lemire 2019: multiply, and reject the few low products that would be drawn too often. A bound of 1 draws nothing.
    """
    if bound == 1:
        return 0
    product = _next32(stream) * uint64(bound)
    if (product & _MASK32) < uint64(bound):
        threshold = uint64((0x100000000 - bound) % bound)
        while (product & _MASK32) < threshold:
            product = _next32(stream) * uint64(bound)
    return np.int64(product >> uint64(32))


@compiled
def choose_without_replacement(stream: Stream, population: int, chosen: NDArray[np.int64]) -> None:
    """Fill `chosen` as `Generator.choice(population, len(chosen), replace=False)` does; population <= 10,000.

    Floyd's algorithm: for the last `count` numbers j, draw one of 0..j, and take j itself where that is taken already.
    """
    count = len(chosen)
    for position in range(count):
        j = population - count + position
        value = draw_below(stream, j + 1)
        for earlier in range(position):
            if chosen[earlier] == value:
                value = j
                break
        chosen[position] = value
    for position in range(count - 1, 0, -1):
        other = draw_below(stream, position + 1)
        chosen[position], chosen[other] = chosen[other], chosen[position]


@compiled
def permute(stream: Stream, order: NDArray[np.int64]) -> None:
    """Fill `order` as `Generator.permutation(len(order))` does; fewer than 2**32.

    Fisher and Yates, from the last place down. Unlike the shuffle of `choice`, it takes as many bits as a place needs,
    and draws again where they say too much (distributions.c, random_interval).
    """
    for position in range(len(order)):
        order[position] = position
    mask = uint64(0)
    while mask + uint64(1) < uint64(len(order)):
        mask = (mask << uint64(1)) | uint64(1)
    for position in range(len(order) - 1, 0, -1):
        while mask >> uint64(1) >= uint64(position):
            mask >>= uint64(1)
        other = _next32(stream) & mask
        while other > uint64(position):
            other = _next32(stream) & mask
        order[position], order[other] = order[other], order[position]


@compiled
def draw_uniform(stream: Stream, low: float, high: float) -> float:
    """A uniform number in [low, high), as `Generator.uniform(low, high)` draws it: 53 bits (distributions.c)."""
    return low + (high - low) * (float64(_next64(stream) >> uint64(11)) * (1.0 / 9007199254740992.0))


@compiled
def _hash_mix(value: Any, constant: Any, multiplier: Any) -> tuple[Any, Any]:
    """One round of SeedSequence's hash, and its next constant; all uint32."""
    value = uint32(value ^ constant)
    constant = uint32(constant * multiplier)
    value = uint32(value * constant)
    return uint32(value ^ uint32(value >> uint32(16))), constant


@compiled
def _next32(stream: Stream) -> int:
    """The next 32 bits: the low half of a new 64, or the high half kept from the draw before."""
    if stream[HAS_HALF]:
        stream[HAS_HALF] = np.uint64(0)
        return stream[HALF]
    value = _next64(stream)
    stream[HAS_HALF] = np.uint64(1)
    stream[HALF] = value >> np.uint64(32)
    return value & _MASK32


@compiled
def _next64(stream: Stream) -> int:
    """The next 64 bits: XSL-RR of the new state. A half that is kept stays kept."""
    _advance(stream)
    high, low = stream[STATE_HIGH], stream[STATE_LOW]
    rotation, mixed = high >> np.uint64(58), high ^ low
    return (mixed >> rotation) | (mixed << ((np.uint64(64) - rotation) & np.uint64(63)))


@compiled
def _advance(stream: Stream) -> None:
    """state = state * multiplier + increment, modulo 2**128."""
    high, low = stream[STATE_HIGH], stream[STATE_LOW]
    product_low = low * _MULTIPLIER_LOW
    product_high = _multiply_high(low, _MULTIPLIER_LOW) + high * _MULTIPLIER_LOW + low * _MULTIPLIER_HIGH
    new_low = product_low + stream[INC_LOW]
    carry = np.uint64(1) if new_low < product_low else np.uint64(0)
    stream[STATE_LOW] = new_low
    stream[STATE_HIGH] = product_high + stream[INC_HIGH] + carry


@compiled
def _multiply_high(a: int, b: int) -> int:
    """The upper 64 bits of a 64 x 64 bit product."""
    shift = np.uint64(32)
    a_low, a_high, b_low, b_high = a & _MASK32, a >> shift, b & _MASK32, b >> shift
    middle = a_high * b_low + ((a_low * b_low) >> shift)
    other = a_low * b_high + (middle & _MASK32)
    return a_high * b_high + (middle >> shift) + (other >> shift)
