//! Floor 0: the message, its body, and what can go wrong with an exchange.
