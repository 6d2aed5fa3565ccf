"""Learners: from a support set to a head that scores, all behind one contract."""
