//! Which of several values of a declared trait survives a merge or a late event, where a trait has a rule of its own
//! (`cdp-semantics` §2.5). Whatever the rule, the result never depends on the order in which the values came.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector::Value;
use rust_decimal::Decimal;

use crate::model::{Attribute, Origin, TraitName};

/// What a union holds at most; of more the first by the alphabet stay.
const MOST_UNITED: usize = 100;
/// What stands for all records of CRMs among the sources.
pub const CRM_SOURCE: &str = "crm";

/// How one trait's values are weighed. Everywhere what `context.traits` of other messages fills in loses to anything said outright.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Survival {
    /// The newest by event time; a null clears.
    #[default]
    Newest,
    /// The first that was ever said, by event time. A null clears nothing.
    Oldest,
    /// The largest: numbers as numbers, else by the alphabet. A null clears nothing.
    Max,
    /// The smallest. A null clears nothing.
    Min,
    /// All of them as a list. A null clears nothing.
    Union,
    /// The strongest source's newest.
    SourceRank,
}

impl Survival {
    pub const ALL: [Self; 6] = [Self::Newest, Self::Oldest, Self::Max, Self::Min, Self::Union, Self::SourceRank];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
            Self::Max => "max",
            Self::Min => "min",
            Self::Union => "union",
            Self::SourceRank => "source_rank",
        }
    }
}

/// The rules of all traits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survivorship {
    /// Traits with a rule of their own.
    pub traits: BTreeMap<TraitName, Survival>,
    /// Names of sources, strongest first. Records of CRMs stand before them unless [`CRM_SOURCE`] is among them; what is not named
    /// stands behind.
    pub sources: Vec<Arc<str>>,
}

impl Survivorship {
    pub fn of(&self, name: &str) -> Survival {
        self.traits.get(name).copied().unwrap_or_default()
    }

    /// What two values of a trait come to.
    pub fn settle(&self, name: &str, one: &Attribute, other: &Attribute) -> Attribute {
        let rule = self.of(name);
        let order = self.order(rule, one, other);
        let winner = if order == Ordering::Less { other } else { one };
        let same_say = one.origin.is_weak() == other.origin.is_weak();
        if rule == Survival::Union && same_say && !one.value.is_null() && !other.value.is_null() {
            let newer = if self.by_time(one, other) == Ordering::Less { other } else { one };
            return Attribute { value: united(&one.value, &other.value), ..newer.clone() };
        }
        winner.clone()
    }

    /// Which is stronger. A total order for every rule: that is why nothing depends on who came first.
    fn order(&self, rule: Survival, a: &Attribute, b: &Attribute) -> Ordering {
        let said = (!a.origin.is_weak()).cmp(&!b.origin.is_weak());
        let filled = || (!a.value.is_null()).cmp(&!b.value.is_null());
        said.then_with(|| match rule {
            Survival::Newest => self.by_time(a, b),
            Survival::Oldest => filled()
                .then(b.observed_at.cmp(&a.observed_at))
                .then_with(|| self.rank(&a.origin).cmp(&self.rank(&b.origin)))
                .then(b.recorded_at.cmp(&a.recorded_at))
                .then_with(|| b.value.cmp(&a.value)),
            Survival::Max => filled().then_with(|| by_size(&a.value, &b.value)).then_with(|| self.by_time(a, b)),
            Survival::Min => filled().then_with(|| by_size(&b.value, &a.value)).then_with(|| self.by_time(a, b)),
            Survival::Union => filled().then_with(|| self.by_time(a, b)),
            Survival::SourceRank => self.rank(&a.origin).cmp(&self.rank(&b.origin)).then_with(|| self.by_time(a, b)),
        })
    }

    /// Newest, then the stronger source, then recorded later, then the smaller value.
    fn by_time(&self, a: &Attribute, b: &Attribute) -> Ordering {
        a.observed_at
            .cmp(&b.observed_at)
            .then_with(|| self.rank(&a.origin).cmp(&self.rank(&b.origin)))
            .then(a.recorded_at.cmp(&b.recorded_at))
            .then_with(|| b.value.cmp(&a.value))
    }

    /// Larger is stronger.
    fn rank(&self, origin: &Origin) -> usize {
        let place = |name: &str| self.sources.iter().position(|source| &**source == name);
        let named = |name: &str| place(name).map_or(1, |place| 2 + self.sources.len() - place);
        match origin {
            Origin::Crm(_) => place(CRM_SOURCE).map_or(3 + self.sources.len(), |_| named(CRM_SOURCE)),
            Origin::Identify(source) | Origin::Weak(source) => named(source),
            Origin::Computed => 0,
        }
    }
}

/// By number where both are one, by the alphabet otherwise; a number is more than what is none.
fn by_size(a: &Value, b: &Value) -> Ordering {
    let number = |value: &Value| -> Option<Decimal> {
        match value {
            Value::Number(number) => Some(*number),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    };
    number(a).cmp(&number(b)).then_with(|| a.cmp(b))
}

fn united(one: &Value, other: &Value) -> Value {
    let mut all: BTreeSet<Arc<str>> = BTreeSet::new();
    for value in [one, other] {
        match value {
            Value::List(items) => all.extend(items.iter().cloned()),
            Value::Null => {}
            single => all.extend([Arc::from(single.to_string())]),
        }
    }
    Value::List(all.into_iter().take(MOST_UNITED).collect())
}

#[cfg(test)]
mod tests {
    use connector::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn said(value: Value, at: i64, origin: Origin) -> Attribute {
        Attribute { value, observed_at: Timestamp::from_secs(at), recorded_at: Timestamp::from_secs(at), origin }
    }

    fn rules(rule: Survival) -> Survivorship {
        let sources = ["pos", "app"].map(Arc::from).to_vec();
        Survivorship { traits: BTreeMap::from([("t".into(), rule)]), sources }
    }

    fn told(rule: Survival, values: &[Attribute]) -> Value {
        let rules = rules(rule);
        let first = values[0].clone();
        values[1..].iter().fold(first, |kept, next| rules.settle("t", &kept, next)).value
    }

    #[test]
    fn each_rule_keeps_what_its_name_says() {
        let from = |source: &str| Origin::Identify(source.into());
        let number = |n: i64| Value::from(n);
        let values = [
            said(number(9), 10, from("app")),
            said(number(10), 20, from("pos")),
            said(number(2), 30, from("web")),
            said(Value::Null, 40, from("web")),
            said(number(77), 50, Origin::Weak("web".into())),
        ];
        assert_eq!(told(Survival::Newest, &values), Value::Null);
        assert_eq!(told(Survival::Oldest, &values), number(9));
        assert_eq!(told(Survival::Max, &values), number(10));
        assert_eq!(told(Survival::Min, &values), number(2));
        assert_eq!(told(Survival::SourceRank, &values), number(10));
        assert_eq!(told(Survival::Union, &values), Value::List(["10", "2", "9"].map(Arc::from).to_vec()));
        let with_record = [values[1].clone(), said(number(1), 5, Origin::Crm("acme contact 7".into()))];
        assert_eq!(told(Survival::SourceRank, &with_record), number(1), "records stand before all unless it is said");
        // Numbers that came as text are numbers.
        let texts = [said("9".into(), 1, from("pos")), said("10".into(), 2, from("pos"))];
        assert_eq!(told(Survival::Max, &texts), "10".into());
    }

    fn any_said() -> impl Strategy<Value = Attribute> {
        let value = prop_oneof![
            3 => (0_i64..5).prop_map(Value::from),
            2 => "[a-c]".prop_map(|text| Value::from(text.as_str())),
            1 => Just(Value::Null),
            1 => proptest::collection::btree_set("[a-c]", 0..3)
                .prop_map(|items| Value::List(items.into_iter().map(Arc::from).collect())),
        ];
        let origin = prop_oneof![
            Just(Origin::Identify("pos".into())),
            Just(Origin::Identify("web".into())),
            Just(Origin::Weak("app".into())),
            Just(Origin::Crm("acme contact 1".into())),
        ];
        (value, 0_i64..4, 0_i64..4, origin).prop_map(|(value, at, recorded, origin)| Attribute {
            recorded_at: Timestamp::from_secs(recorded),
            ..said(value, at, origin)
        })
    }

    proptest! {
        /// In whatever order, and however grouped by merges.
        #[test]
        fn the_order_does_not_matter(values in proptest::collection::vec(any_said(), 2..7), at in any::<prop::sample::Index>()) {
            for rule in Survival::ALL {
                let forward = told(rule, &values);
                let backward: Vec<Attribute> = values.iter().rev().cloned().collect();
                prop_assert_eq!(&told(rule, &backward), &forward, "{:?}", rule);
                let (left, right) = values.split_at(1 + at.index(values.len() - 1));
                let fold = |part: &[Attribute]| {
                    let rules = rules(rule);
                    part[1..].iter().fold(part[0].clone(), |kept, next| rules.settle("t", &kept, next))
                };
                prop_assert_eq!(&rules(rule).settle("t", &fold(left), &fold(right)).value, &forward, "{:?}", rule);
            }
        }
    }
}
