"""The warehouse as other libraries expect it: a Gymnasium environment, alone and vectorized, and PettingZoo's."""
