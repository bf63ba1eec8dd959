//! What the suite needs of an engine: opening the same data again and again.

use std::fmt::Debug;
use std::sync::Arc;

use crate::store::Store;

pub(in crate::store) trait Engine: Debug {
    /// Opens the data; several handles may be open at once, as in several processes.
    fn open(&self) -> Arc<dyn Store>;
}
