"""Adapters show the warehouse as other libraries expect it: Gymnasium's, alone and vectorized, and PettingZoo's."""
