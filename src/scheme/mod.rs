//! Scheme documents (floor 2).
