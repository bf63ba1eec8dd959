//! Room for requests between their arrival and their answer. A sender holds as much of it as it has sent, not as it says it will:
//! else a few that say much and send nothing would keep everybody else out.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The grain of what is counted.
const KIB: usize = 1024;
/// How long a request waits for room before it is sent away.
const PATIENCE: Duration = Duration::from_secs(2);

/// All the room there is; clones share it.
#[derive(Clone, Debug)]
pub struct Room {
    /// Permits of a KiB each.
    free: Arc<Semaphore>,
    bytes: usize,
    patience: Duration,
}

impl Room {
    pub fn new(bytes: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(bytes / KIB)), bytes, patience: PATIENCE }
    }

    /// How long somebody waits for room; 2 s where it is not said.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Room for so many bytes, or for everything there is where they are more; free again once it is dropped. `None`: there is none
    /// now, and the sender must come back.
    pub async fn claim(&self, bytes: usize) -> Option<Claim> {
        let held = self.permits(bytes).await?;
        Some(Claim { room: self.clone(), held })
    }

    async fn permits(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let permits = u32::try_from(bytes.min(self.bytes).div_ceil(KIB).max(1)).ok()?;
        tokio::time::timeout(self.patience, self.free.clone().acquire_many_owned(permits)).await.ok()?.ok()
    }
}

/// Room that a request holds.
#[derive(Debug)]
pub struct Claim {
    room: Room,
    held: OwnedSemaphorePermit,
}

impl Claim {
    pub fn bytes(&self) -> usize {
        self.held.num_permits() * KIB
    }

    /// Holds at least so many bytes from now on; `false`: there is no room for them.
    pub async fn grow_to(&mut self, bytes: usize) -> bool {
        let bytes = bytes.min(self.room.bytes);
        if bytes <= self.bytes() {
            return true;
        }
        let Some(more) = self.room.permits(bytes - self.bytes()).await else { return false };
        self.held.merge(more);
        true
    }

    /// Gives back what is more than so many bytes.
    pub fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.held.num_permits().saturating_sub(bytes.div_ceil(KIB).max(1));
        drop(self.held.split(surplus));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_claim_grows_and_shrinks_within_what_there_is() {
        let room = Room::new(10 * KIB).with_patience(Duration::ZERO);
        let mut claim = room.claim(1).await.unwrap();
        assert_eq!(claim.bytes(), KIB);
        assert!(claim.grow_to(5 * KIB).await && claim.grow_to(2 * KIB).await);
        assert_eq!(claim.bytes(), 5 * KIB);
        let mut other = room.claim(4 * KIB).await.unwrap();
        assert!(!other.grow_to(6 * KIB).await, "a KiB too much");
        assert_eq!(other.bytes(), 4 * KIB, "what it had it still has");
        claim.shrink_to(KIB + 1);
        assert_eq!(claim.bytes(), 2 * KIB);
        assert!(other.grow_to(8 * KIB).await);
        assert!(room.claim(1).await.is_none());
        drop((claim, other));
        assert_eq!(room.claim(usize::MAX).await.unwrap().bytes(), 10 * KIB);
    }
}
