"""Few-shot evaluation: families that training has not seen, from K records of each."""
