//! From pairs to people: whoever is joined by a chain of accepted pairs is one.

use super::Pair;

/// The cluster of every record: the smallest record of it.
pub fn clusters(records: usize, accepted: impl IntoIterator<Item = Pair>) -> Vec<u32> {
    let mut parent: Vec<u32> = (0..records as u32).collect();
    for (a, b) in accepted {
        let (a, b) = (root(&mut parent, a), root(&mut parent, b));
        if let Some(slot) = parent.get_mut(a.max(b) as usize) {
            *slot = a.min(b);
        }
    }
    (0..records as u32).map(|record| root(&mut parent, record)).collect()
}

fn root(parent: &mut [u32], of: u32) -> u32 {
    let mut at = of;
    while let Some(&up) = parent.get(at as usize) {
        if up == at {
            break;
        }
        // Halving the path keeps later walks short.
        let grand = parent.get(up as usize).copied().unwrap_or(up);
        if let Some(slot) = parent.get_mut(at as usize) {
            *slot = grand;
        }
        at = up;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_join_and_strangers_stay() {
        assert_eq!(clusters(6, [(0, 1), (3, 4), (1, 4)]), [0, 0, 2, 0, 0, 5]);
        assert_eq!(clusters(3, []), [0, 1, 2]);
    }
}
