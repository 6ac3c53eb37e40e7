//! Floor 0: who must stop, and who is still at work.
