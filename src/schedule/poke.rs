//! Pokes: "look now, something happened". They carry no more than which jobs should look.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use connector::ConnectionName;
use tokio::sync::Notify;

use super::{Direction, JobKey};

/// Which jobs are poked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Poked {
    Job(JobKey),
    /// All objects of a direction, of one connection or of every one.
    All(Direction, Option<ConnectionName>),
}

impl Poked {
    fn means(&self, key: &JobKey) -> bool {
        match self {
            Self::Job(job) => job == key,
            Self::All(direction, connection) => {
                *direction == key.direction && (connection.is_none() || *connection == key.connection)
            }
        }
    }
}

/// A handle to poke with; clones poke the same schedule. It may be held before the schedule runs: pokes wait. Poking is
/// cheap, never blocks, and a hundred pokes are as good as one.
#[derive(Clone, Debug, Default)]
pub struct Poke {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: Mutex<BTreeSet<Poked>>,
    notify: Notify,
}

impl Poke {
    pub fn new() -> Self {
        Self::default()
    }

    /// Pokes one job.
    pub fn job(&self, key: JobKey) {
        self.add(Poked::Job(key));
    }

    /// Pokes a direction of a connection, whatever the object.
    pub fn connection(&self, direction: Direction, connection: ConnectionName) {
        self.add(Poked::All(direction, Some(connection)));
    }

    /// Pokes a direction everywhere.
    pub fn all(&self, direction: Direction) {
        self.add(Poked::All(direction, None));
    }

    fn add(&self, poked: Poked) {
        self.inner.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(poked);
        self.inner.notify.notify_one();
    }

    /// Waits until somebody pokes. Pokes made before are not missed.
    pub(super) async fn wait(&self) {
        self.inner.notify.notified().await;
    }

    /// The poked ones of the jobs given; afterwards nobody is poked.
    pub(super) fn take<'a>(&self, keys: impl Iterator<Item = &'a JobKey>) -> Vec<JobKey> {
        let poked = std::mem::take(&mut *self.inner.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        keys.filter(|key| poked.iter().any(|poked| poked.means(key))).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use connector::Object;

    use super::*;

    #[test]
    fn a_poke_means_a_job_a_connection_or_a_direction() {
        let pull = |name: &str, object| JobKey::of(Direction::Pull, name.into(), object);
        let keys = [pull("a", Object::Contact), pull("a", Object::Deal), pull("b", Object::Deal)];
        let poke = Poke::new();
        poke.clone().job(keys[0].clone());
        assert_eq!(poke.take(keys.iter()), keys[..1]);
        poke.connection(Direction::Pull, "a".into());
        assert_eq!(poke.take(keys.iter()), keys[..2]);
        poke.all(Direction::Pull);
        assert_eq!(poke.take(keys.iter()), keys);
        poke.all(Direction::Push);
        assert_eq!(poke.take(keys.iter()), []);
        assert_eq!(poke.take(keys.iter()), []);
    }
}
