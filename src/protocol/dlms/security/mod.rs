//! Ciphering.
