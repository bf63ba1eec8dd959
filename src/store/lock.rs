//! The flow lock: one process at a time pulls, computes and pushes on a store. Reading never needs it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::store::{Error, Result};

/// Held until dropped; the operating system frees it when the process ends, however it ends.
#[derive(Debug)]
pub struct FlowLock {
    file: File,
}

impl FlowLock {
    /// Takes the lock of the store at `store`, on a side file `<store>.lock` that names the holder: pid and `what` it is
    /// doing (`run`, `pull`, …). The side file stays; only the lock on it counts.
    ///
    /// # Errors
    /// [`Error::Held`] with the holder's pid; [`Error::CannotOpen`] where the side file cannot be made.
    pub fn acquire(store: &Path, what: &str) -> Result<Self> {
        let path = side_file(store);
        let told = |error: std::io::Error| Error::CannotOpen {
            path: path.display().to_string().into(),
            detail: Arc::from(format!("the lock file cannot be used: {error}")),
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let mut file = options.open(&path).map_err(told)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(holder(&mut file)),
            Err(TryLockError::Error(error)) => return Err(told(error)),
        }
        let line = format!("{} {what}\n", std::process::id());
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(line.as_bytes()))
            .map_err(told)?;
        Ok(Self { file })
    }
}

impl Drop for FlowLock {
    fn drop(&mut self) {
        // Closing the file frees it anyway.
        let _ = self.file.unlock();
    }
}

fn side_file(store: &Path) -> PathBuf {
    let mut path = store.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

/// What the holder wrote about itself; pid 0 where it has not got to it yet.
fn holder(file: &mut File) -> Error {
    let mut text = String::new();
    let _ = file.take(200).read_to_string(&mut text);
    let (pid, what) = text.trim().split_once(' ').unwrap_or((text.trim(), "another command"));
    Error::Held { pid: pid.parse().unwrap_or(0), what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_taker_learns_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("ferry.db");
        let held = FlowLock::acquire(&store, "pull").unwrap();
        let refused = FlowLock::acquire(&store, "push").unwrap_err();
        assert!(
            matches!(&refused, Error::Held { pid, what } if *pid == std::process::id() && &**what == "pull"),
            "{refused:?}"
        );
        drop(held);
        FlowLock::acquire(&store, "push").unwrap();
    }

    #[test]
    fn a_missing_directory_is_said() {
        let error = FlowLock::acquire(Path::new("/nonexistent-directory/ferry.db"), "run").unwrap_err();
        assert!(matches!(error, Error::CannotOpen { .. }), "{error:?}");
    }
}
