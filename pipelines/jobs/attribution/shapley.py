"""Shapley attribution over the channels of a path, exactly, for any number of channels.

The game: a coalition of channels is worth the conversions of the paths that need no other channel.
That is what would be left if every journey ended when it came to another one, which is how the
Markov chain removes a channel, too, here without the chain's assumption about memory. A path that
needs the set T is then worth its conversions to every coalition that has all of T and nothing to
the others: by symmetry each of T is due the same, and by additivity a channel's Shapley value is
the sum over paths (Zhao, Mahboobi and Bagheri 2018, "Shapley value methods for attribution
modeling in online advertising"). So no sum over 2^n coalitions is needed, and no sample
of them: the answer is exact beyond the dozen channels at which others begin to sample.
"""

from __future__ import annotations

import numpy as np

from pipelines.jobs.attribution.paths import Floats, Ints, Paths, summed


def shapley_shares(paths: Paths) -> tuple[Ints, Ints, Floats]:
    """Each channel's share of each path it is on: path, channel and share, [pair]."""
    channels = len(paths.channels)
    pair = paths.path_of_step.astype(np.int64) * channels + paths.steps
    pair.sort(kind="stable")  # by path they are in order already
    distinct = pair[np.diff(pair, prepend=-1) > 0]
    path, channel = np.divmod(distinct, channels)
    several = np.bincount(path, minlength=len(paths.lengths))
    return path, channel, 1.0 / several[path]


def shapley_credit(paths: Paths) -> tuple[Floats, Floats]:
    """Credited conversions and value, each [channel]; they sum to those of the paths."""
    path, channel, share = shapley_shares(paths)
    size = len(paths.channels)
    conversions = summed(channel, share * paths.conversions[path], size)
    return conversions, summed(channel, share * paths.value[path], size)
