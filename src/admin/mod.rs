//! Floor 10: the admin interface: look at it.
