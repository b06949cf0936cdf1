//! Deterministic simulation of the real actors, and the checker.
