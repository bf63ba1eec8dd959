//! Flows end to end; one binary.
