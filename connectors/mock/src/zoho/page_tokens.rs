//! Page tokens: where a walk through a list stands, bound to the parameters it began with.

use std::collections::{HashMap, VecDeque};

use crate::clock::Millis;

/// Tokens remembered at once; walks older than that many pages are told that their token is not theirs.
const KEPT: usize = 50_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Everything a request must repeat, in one text.
    pub bound: String,
    /// The sort key of the last record given, and its id.
    pub after: (Millis, u64),
    /// Records given so far.
    pub given: u64,
    pub ends: Millis,
    /// The token that led here.
    pub previous: Option<String>,
}

#[derive(Debug, Default)]
pub struct PageTokens {
    places: HashMap<String, Place>,
    order: VecDeque<String>,
}

impl PageTokens {
    pub fn keep(&mut self, token: String, place: Place) {
        if self.places.insert(token.clone(), place).is_none() {
            self.order.push_back(token);
        }
        while self.order.len() > KEPT {
            if let Some(oldest) = self.order.pop_front() {
                self.places.remove(&oldest);
            }
        }
    }

    pub fn get(&self, token: &str) -> Option<&Place> {
        self.places.get(token)
    }
}
