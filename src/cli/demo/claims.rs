//! What the demo claims, and whether it held: the exit code is made of this and of nothing else.

use serde::Serialize;

/// One thing that was checked against the mock's ledger, the CRM or the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claim {
    pub what: String,
    pub held: bool,
    /// What was found, where it did not hold.
    pub found: Option<String>,
}

#[derive(Debug, Default)]
pub struct Claims(Vec<Claim>);

impl Claims {
    /// Notes a claim and what was found.
    pub fn check(&mut self, what: impl Into<String>, held: bool, found: impl Into<String>) {
        self.0.push(Claim { what: what.into(), held, found: (!held).then(|| found.into()) });
    }

    /// Two values that must be the same.
    pub fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: impl Into<String>, found: &T, wanted: &T) {
        self.check(what, found == wanted, format!("{found:?} instead of {wanted:?}"));
    }

    pub fn all_held(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|claim| claim.held)
    }

    pub fn list(&self) -> &[Claim] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_did_not_hold_is_enough_and_says_what_was_found() {
        let mut claims = Claims::default();
        assert!(!claims.all_held());
        claims.same("writes", &0, &0);
        assert!(claims.all_held());
        claims.same("writes", &2, &0);
        assert!(!claims.all_held());
        assert_eq!(claims.list()[1].found.as_deref(), Some("2 instead of 0"));
    }
}
