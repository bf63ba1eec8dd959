//! Row locks: writes of one parent kept together, and the patience with what stays locked.
//!
//! Writing a child takes its parent's lock. Two transactions on children of one account collide, and the one that waits
//! ten seconds loses. So rows are arranged by parent before they are cut into calls, calls go one after the other, and
//! only the rows that lost are sent again.

use std::collections::BTreeMap;
use std::time::Duration;

use connector::RecordId;

/// Sendings of a locked row in all.
pub(crate) const LOCK_TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// How soon the engine may come back with a row that stayed locked.
pub(crate) const COME_BACK: Duration = Duration::from_secs(60);

/// How long to wait before locked rows go again; `tries` counts their sendings so far, `chance` is in `[0, 1)`.
pub(crate) fn pause(tries: u32, chance: f64) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1u32 << tries.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
    // Half fixed, half chance: what collided once does not come back in step.
    doubled.mul_f64(0.5 + 0.5 * chance)
}

/// How many rows a call may hold after so many lost sendings: smaller calls hold fewer locks for less long.
pub(crate) fn call_size(most: usize, tries: u32) -> usize {
    (most >> tries.saturating_sub(1).min(8)).max(1)
}

/// Cuts items into calls of at most `most`. Those of one parent stay in one call where that costs no further call; they
/// are neighbours in any case. The order within a parent is kept.
pub(crate) fn arrange<T>(items: Vec<T>, most: usize, parent: impl Fn(&T) -> Option<RecordId>) -> Vec<Vec<T>> {
    let most = most.max(1);
    let fewest = items.len().div_ceil(most);
    let mut families: BTreeMap<RecordId, Vec<T>> = BTreeMap::new();
    let mut alone = Vec::new();
    for item in items {
        match parent(&item) {
            Some(parent) => families.entry(parent).or_default().push(item),
            None => alone.push(item),
        }
    }
    let families: Vec<Vec<T>> = families.into_values().collect();
    match pack(&families.iter().map(Vec::len).collect::<Vec<_>>(), alone.len(), most, fewest) {
        Some(bins) => fill(families, alone, &bins, most),
        None => slices(families.into_iter().flatten().chain(alone), most),
    }
}

/// Which call each family goes into, if that takes no more than the fewest calls: the large ones first, each into the
/// first call with room.
fn pack(families: &[usize], alone: usize, most: usize, fewest: usize) -> Option<Vec<usize>> {
    let mut order: Vec<usize> = (0..families.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(families.get(*at).copied().unwrap_or(0)));
    let mut room = vec![most; fewest];
    let mut bins = vec![0; families.len()];
    for family in order {
        let size = families.get(family).copied().unwrap_or(0);
        let bin = room.iter().position(|left| *left >= size)?;
        *room.get_mut(bin)? -= size;
        *bins.get_mut(family)? = bin;
    }
    (alone <= room.iter().sum()).then_some(bins)
}

fn fill<T>(families: Vec<Vec<T>>, alone: Vec<T>, bins: &[usize], most: usize) -> Vec<Vec<T>> {
    let mut calls: BTreeMap<usize, Vec<T>> = BTreeMap::new();
    for (family, bin) in families.into_iter().zip(bins) {
        calls.entry(*bin).or_default().extend(family);
    }
    let mut alone = alone.into_iter();
    for call in calls.values_mut() {
        let room = most.saturating_sub(call.len());
        call.extend(alone.by_ref().take(room));
    }
    let mut calls: Vec<Vec<T>> = calls.into_values().collect();
    calls.extend(slices(alone, most));
    calls
}

fn slices<T>(items: impl Iterator<Item = T>, most: usize) -> Vec<Vec<T>> {
    let mut calls: Vec<Vec<T>> = Vec::new();
    for item in items {
        match calls.last_mut().filter(|call| call.len() < most) {
            Some(call) => call.push(item),
            None => calls.push(vec![item]),
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parent_of(item: &(usize, u8)) -> Option<RecordId> {
        (item.1 > 0).then(|| RecordId::from(format!("001{}", item.1)))
    }

    #[test]
    fn pauses_double_with_jitter_and_calls_shrink() {
        assert_eq!(pause(1, 0.0), Duration::from_millis(500));
        assert_eq!(pause(3, 0.0), Duration::from_secs(2));
        assert!(pause(3, 0.99) > Duration::from_millis(3_900) && pause(3, 0.99) < Duration::from_secs(4));
        assert_eq!(pause(30, 0.0), Duration::from_secs(10));
        assert_eq!([1, 2, 3, 30].map(|tries| call_size(200, tries)), [200, 100, 50, 1]);
    }

    #[test]
    fn a_family_stays_together_where_it_fits() {
        // Three families of three and three loners fill two calls of six.
        let items: Vec<(usize, u8)> = [1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0].into_iter().enumerate().collect();
        let calls = arrange(items, 6, parent_of);
        assert_eq!(calls.len(), 2);
        for call in &calls {
            for family in 1..=3 {
                let members = call.iter().filter(|item| item.1 == family).count();
                assert!(members == 0 || members == 3, "{calls:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_call_is_wasted(parents in prop::collection::vec(0u8..6, 0..60), most in 1usize..12) {
            let items: Vec<(usize, u8)> = parents.into_iter().enumerate().collect();
            let calls = arrange(items.clone(), most, parent_of);
            prop_assert_eq!(calls.len(), items.len().div_ceil(most));
            prop_assert!(calls.iter().all(|call| (1..=most).contains(&call.len())));
            let mut seen: Vec<(usize, u8)> = calls.concat();
            for family in 1u8..6 {
                let kept: Vec<usize> = seen.iter().filter(|item| item.1 == family).map(|item| item.0).collect();
                prop_assert!(kept.is_sorted(), "the order within a parent changed");
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, items);
        }
    }
}
