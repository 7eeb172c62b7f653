"""Adapters show warehouses and fields of food as other libraries expect them: Gymnasium's, alone and vectorized, and
PettingZoo's."""
