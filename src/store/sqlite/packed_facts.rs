//! All facts of one event in one blob: a row of its own for each would cost three times the event itself.

use connector::Timestamp;

use super::fault::Fallible;
use super::packed::{Packer, Unpacker};
use crate::model::{Fact, RuleId};

/// `at` is the event's time, which the facts share with it.
pub(super) fn pack_facts(facts: &[Fact], at: Timestamp) -> Vec<u8> {
    let mut out = Packer::new(4 + 24 * facts.len());
    out.count(facts.len() as u64);
    for fact in facts {
        // A rule is a hash: nothing is gained by writing it short.
        out.whole(fact.rule.0);
        out.signed(fact.at.micros().wrapping_sub(at.micros()));
        out.signed(fact.number);
        out.optional_text(fact.text.as_deref());
    }
    out.done()
}

/// The facts of the rules that are wanted, of the event with this row and time; without a byte it has none.
pub(super) fn unpack_facts(
    bytes: &[u8],
    (at, event): (i64, i64),
    wanted: impl Fn(RuleId) -> bool,
    facts: &mut Vec<Fact>,
) -> Fallible<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let mut from = Unpacker::new(bytes)?;
    for _ in 0..from.length()? {
        let rule = RuleId(from.whole()?);
        let at = Timestamp::from_micros(at.wrapping_add(from.signed()?));
        let number = from.signed()?;
        let text = from.optional_text()?;
        if wanted(rule) {
            facts.push(Fact { rule, event, at, number, text: text.map(Into::into) });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fact() -> impl Strategy<Value = Fact> {
        (any::<i64>(), any::<i64>(), any::<i64>(), proptest::option::of(".{0,30}")).prop_map(
            |(rule, at, number, text)| Fact {
                rule: RuleId(rule),
                event: 7,
                at: Timestamp::from_micros(at),
                number,
                text: text.map(|text| text.as_str().into()),
            },
        )
    }

    proptest! {
        #[test]
        fn facts_read_back_and_only_the_wanted(facts in proptest::collection::vec(fact(), 0..6), at in any::<i64>()) {
            let bytes = pack_facts(&facts, Timestamp::from_micros(at));
            let mut back = Vec::new();
            unpack_facts(&bytes, (at, 7), |_| true, &mut back).unwrap();
            prop_assert_eq!(&back, &facts);
            let mut even = Vec::new();
            unpack_facts(&bytes, (at, 7), |rule| rule.0 % 2 == 0, &mut even).unwrap();
            back.retain(|fact| fact.rule.0 % 2 == 0);
            prop_assert_eq!(even, back);
        }

        #[test]
        fn damaged_facts_never_panic(facts in proptest::collection::vec(fact(), 1..4), cut in any::<prop::sample::Index>()) {
            let bytes = pack_facts(&facts, Timestamp::EPOCH);
            // Nothing at all is an event without facts.
            let cut = 1 + cut.index(bytes.len() - 1);
            prop_assert!(unpack_facts(&bytes[..cut], (0, 1), |_| true, &mut Vec::new()).is_err());
        }
    }
}
