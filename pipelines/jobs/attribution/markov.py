"""Markov attribution: what is lost when all who come to a channel leave, exactly.

Anderl et al. (2016), "Mapping the customer journey". A chain of order k remembers the last k steps.
With Q the steps between its states and r what a visit to a state brings at once, a journey brings
[(I - Q)^-1 r] at the start. Removing a channel routes every step into it to the null state. Its
credit is its share of all removal effects, times what there is to credit. All is solved by linear
algebra: there is no simulation, and nothing depends on the order of the paths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.jobs.attribution.paths import Floats, Ints, Paths, summed

MAX_STATES = 4_000
"""Beyond this, the inverse of the chain takes gigabytes and minutes."""


class TooManyStates(ValueError):
    """The chain of this order has more states than can be solved; ``states`` says how many."""

    def __init__(self, states: int) -> None:
        super().__init__(f"{states} states, more than {MAX_STATES}")
        self.states = states


@dataclass(frozen=True)
class Chain:
    """The states of some paths and the steps between them, whatever the paths weigh.

    A state is the last ``order`` steps, fewer at the beginning of a path. State 0 is the start.

    Args:
        states: their number.
        move_of_step: what each step of the paths makes, state before × ``states`` + after, [step].
        last_state: where each path ends, [path].
        holding: for each channel the states that remember it, [channel] of [state].
    """

    states: int
    move_of_step: Ints
    last_state: Ints
    holding: tuple[Ints, ...]


def build_chain(paths: Paths, order: int) -> Chain:
    """The chain of ``order`` steps that some paths go through.

    Raises:
        TooManyStates: it can't be solved.
    """
    steps, channels = paths.steps, len(paths.channels)
    # the remembered steps as digits, 0 where there was none yet
    code = steps.astype(np.int64) + 1
    if order == 1:
        codes, state = np.arange(1, channels + 1), code
    else:
        position = np.arange(len(steps)) - np.repeat(paths.first[:-1], paths.lengths)
        for back in range(1, order):
            before = np.zeros_like(code)
            before[back:] = steps[: len(steps) - back] + 1
            code += np.where(position >= back, before, 0) * (channels + 1) ** back
        codes, inverse = np.unique(code, return_inverse=True)
        state = inverse + 1
    states = len(codes) + 1
    if states > MAX_STATES:
        raise TooManyStates(states)
    move = np.empty_like(state)
    np.multiply(state[:-1], states, out=move[1:])
    move[paths.first[:-1]] = 0
    move += state
    digits = [codes // (channels + 1) ** back % (channels + 1) for back in range(order)]
    holding = tuple(
        np.flatnonzero(np.any([digit == channel for digit in digits], axis=0)) + 1
        for channel in range(1, channels + 1)
    )
    return Chain(states, move, state[paths.first[1:] - 1], holding)


def removal_effects(
    chain: Chain, paths: Paths, conversions: Floats, nulls: Floats, brought: Floats
) -> tuple[Floats, Floats]:
    """What a journey brings, and how much of it is lost without each channel.

    Without the states S that remember a channel, what a journey brings falls by f·h(S), with h what
    a journey still brings from each state, and f how likely it comes first to S in each: from the
    expected visits, f = N(start, S) N(S, S)^-1. So one inverse N = (I - Q)^-1 serves all channels.

    Args:
        conversions, nulls: journeys of each path, [path].
        brought: what they bring, [path, kind].

    Returns:
        per journey [kind], and lost [channel, kind].
    """
    weight = conversions + nulls
    size = chain.states
    per_step = np.repeat(weight, paths.lengths)
    flow = summed(chain.move_of_step, per_step, size * size).reshape(size, size)
    visits = flow.sum(axis=1) + summed(chain.last_state, weight, size)
    visits[visits == 0] = 1.0  # nobody comes there, so that nothing leaves it either
    at_once = np.stack([summed(chain.last_state, kind, size) for kind in brought.T], axis=1)
    inverse = np.linalg.inv(np.eye(size) - flow / visits[:, None])
    ahead = inverse @ (at_once / visits[:, None])
    lost = np.empty((len(chain.holding), brought.shape[1]))
    for channel, states in enumerate(chain.holding):
        among = inverse[np.ix_(states, states)]
        lost[channel] = inverse[0, states] @ np.linalg.solve(among, ahead[states])
    return ahead[0], lost


def markov_credit(paths: Paths, order: int = 1) -> tuple[Floats, Floats]:
    """Credited conversions and value, each [channel]; they sum to those of the paths.

    The value is NaN where refunds leave no positive effect to share it by.

    Raises:
        TooManyStates: the chain can't be solved.
    """
    chain = build_chain(paths, order)
    brought = np.stack([paths.conversions, paths.value], axis=1)
    _, lost = removal_effects(chain, paths, paths.conversions, paths.nulls, brought)
    return (
        shared(float(paths.conversions.sum()), lost[:, 0]),
        shared(float(paths.value.sum()), lost[:, 1]),
    )


def shared(total: float, effects: Floats) -> Floats:
    """``total`` split in proportion to ``effects``; NaN where there is something to split and no
    effect to split it by."""
    whole = effects.sum()
    if total == 0:
        return np.zeros(len(effects))
    return effects * (total / whole) if whole > 0 else np.full(len(effects), np.nan)


def resampled_credit(paths: Paths, chain: Chain, draws: Sequence[tuple[Floats, Floats]]) -> Floats:
    """Credited conversions of each draw of (conversions, nulls) of the paths: [draw, channel]."""
    credits = []
    for conversions, nulls in draws:
        _, lost = removal_effects(chain, paths, conversions, nulls, conversions[:, None])
        credits.append(shared(float(conversions.sum()), lost[:, 0]))
    return np.array(credits)
