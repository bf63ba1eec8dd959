//! A fair gate with two priorities. One exchange at a time stands in it and looks at the quota; pushes overtake pulls,
//! and a pull that has been overtaken often enough stays.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use crate::call::Priority;

/// How often a pull at the head lets pushes pass before it takes its turn.
const PATIENCE: usize = 8;

#[derive(Debug, Default)]
pub(crate) struct Gate {
    turn: Mutex<()>,
    /// Pulls queue here first, so that at most one of them stands in the queue pushes join.
    pulls: Mutex<()>,
    pushes_waiting: AtomicUsize,
}

/// The turn. Dropping it lets the next one in.
pub(crate) struct Turn<'a> {
    _turn: MutexGuard<'a, ()>,
    _pull: Option<MutexGuard<'a, ()>>,
}

impl Gate {
    pub async fn enter(&self, priority: Priority) -> Turn<'_> {
        match priority {
            Priority::Push => {
                let _waiting = Waiting::new(&self.pushes_waiting);
                Turn { _turn: self.turn.lock().await, _pull: None }
            }
            Priority::Pull => {
                let pull = self.pulls.lock().await;
                let mut turn = self.turn.lock().await;
                for _ in 0..PATIENCE {
                    if self.pushes_waiting.load(Ordering::Relaxed) == 0 {
                        break;
                    }
                    // The queue is fair: whoever waits now comes before us.
                    drop(turn);
                    turn = self.turn.lock().await;
                }
                Turn { _turn: turn, _pull: Some(pull) }
            }
        }
    }
}

/// Counts one waiter for as long as it waits, also when its future is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::Mutex as StdMutex;

    #[tokio::test]
    async fn pushes_overtake_pulls_and_pulls_are_not_starved() {
        let gate = Arc::new(Gate::default());
        let order = Arc::new(StdMutex::new(Vec::new()));
        let holder = gate.enter(Priority::Push).await;
        let mut tasks = Vec::new();
        let wanted = [vec![Priority::Pull; 3], vec![Priority::Push; 20]].concat();
        for priority in wanted {
            let (gate, order) = (gate.clone(), order.clone());
            tasks.push(tokio::spawn(async move {
                let _turn = gate.enter(priority).await;
                order.lock().unwrap().push(priority);
            }));
            // Each stands in the queue before the next one comes.
            tokio::task::yield_now().await;
        }
        drop(holder);
        for task in tasks {
            task.await.unwrap();
        }
        let order = order.lock().unwrap();
        let pulls: Vec<usize> =
            order.iter().enumerate().filter(|(_, who)| **who == Priority::Pull).map(|(at, _)| at).collect();
        assert_eq!(order.len(), 23);
        assert_eq!(pulls.len(), 3);
        assert!(pulls[0] > 0, "a push overtakes the waiting pulls: {pulls:?}");
    }
}
