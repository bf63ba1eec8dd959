//! deaths
