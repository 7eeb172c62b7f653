"""A mixer is its formula."""

from typing import Any

import pytest
import torch
from torch.nn import functional

from lockstep.config.schema import QMIXConfig
from lockstep.networks.mixers import MixingInputs, QMIXMixer


@pytest.mark.parametrize("layers", [1, 2])
def test_qmix_is_two_layers_whose_weights_are_made_from_the_state(layers: Any) -> None:
    """Rashid et al. 2018: Q_tot = |w2(s)|^T elu(|W1(s)| q + b1(s)) + V(s), here for one state after the other."""
    mixer = QMIXMixer(3, 7, QMIXConfig(mixing_embed_dim=4, hypernet_embed_dim=6, hypernet_layers=layers)).double()
    q, state = torch.randn(2, 5, 3, dtype=torch.float64), torch.randn(2, 5, 7, dtype=torch.float64)
    mixed = mixer(q, MixingInputs(state, torch.zeros(2, 5, 3, dtype=torch.int64), q))
    for b in range(2):
        for t in range(5):
            s = state[b, t]
            hidden = functional.elu(q[b, t] @ mixer.w1(s).abs().view(3, 4) + mixer.b1(s))
            torch.testing.assert_close(mixed[b, t], (hidden @ mixer.w2(s).abs() + mixer.v(s)).view(1))
