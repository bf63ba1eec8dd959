//! Transactions of a mock's records, one within another: what each must put back if it fails.

/// The open transactions. `M` is how far the logs reached when one began, `U` what undoes one change.
#[derive(Debug)]
pub struct Journal<M, U> {
    /// The innermost last.
    open: Vec<(M, Vec<U>)>,
}

impl<M, U> Default for Journal<M, U> {
    fn default() -> Self {
        Self { open: Vec::new() }
    }
}

impl<M, U> Journal<M, U> {
    pub fn begin(&mut self, mark: M) {
        self.open.push((mark, Vec::new()));
    }

    /// Notes how to undo a change about to be made. Outside a transaction nothing is ever undone.
    pub fn note(&mut self, undo: impl FnOnce() -> U) {
        if let Some((_, changes)) = self.open.last_mut() {
            changes.push(undo());
        }
    }

    /// Ends the innermost transaction; one around it may still undo it.
    pub fn commit(&mut self) {
        let inner = self.open.pop();
        if let (Some((_, inner)), Some((_, outer))) = (inner, self.open.last_mut()) {
            outer.extend(inner);
        }
    }

    /// Ends the innermost transaction to be undone: its mark, and what undoes its changes in the order to do so.
    pub fn roll_back(&mut self) -> Option<(M, impl Iterator<Item = U> + use<M, U>)> {
        let (mark, changes) = self.open.pop()?;
        Some((mark, changes.into_iter().rev()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outer_transaction_undoes_what_an_inner_one_committed() {
        let mut journal = Journal::default();
        journal.note(|| "outside");
        journal.begin(1);
        journal.note(|| "first");
        journal.begin(2);
        journal.note(|| "second");
        journal.commit();
        journal.begin(3);
        journal.note(|| "third");
        let (mark, undone) = journal.roll_back().unwrap();
        assert_eq!((mark, undone.collect::<Vec<_>>()), (3, vec!["third"]));
        let (mark, undone) = journal.roll_back().unwrap();
        assert_eq!((mark, undone.collect::<Vec<_>>()), (1, vec!["second", "first"]));
        assert!(journal.roll_back().is_none());
    }
}
