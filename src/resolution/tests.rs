//! Decisions by example, and what must hold for any.

use connector::{Object, RecordId, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::model::{Candidate, Identifier, IdentifierKind, ProfileId, RecordKey, Whose};

fn user(value: &str) -> Identifier {
    Identifier::user_id(value).unwrap()
}

fn email(value: &str) -> Identifier {
    Identifier::email(value).unwrap()
}

fn anonymous(value: &str) -> Identifier {
    Identifier::anonymous_id(value).unwrap()
}

fn candidate(profile: i64, known: bool, first_seen: i64, matched: &[Identifier]) -> Candidate {
    Candidate {
        profile: ProfileId(profile),
        known,
        first_seen: Timestamp::from_secs(first_seen),
        matched: matched.to_vec(),
        has_user_id: false,
        live_links: Vec::new(),
    }
}

fn crm(id: &str) -> Identifier {
    Identifier::crm(&"hubspot".into(), &Object::Contact, &RecordId::from(id))
}

#[test]
fn an_anonymous_visitor_becomes_known_and_takes_the_history_along() {
    let ids = [user("u-ada"), email("ada@northwind.example"), anonymous("a-2")];
    // Nobody yet, then the visitor, then the visitor and the person she is.
    assert_eq!(resolve_event(&ids, &[]).whose, Whose::New);
    let visitor = candidate(2, false, 50, &[anonymous("a-2")]);
    let alone = resolve_event(&ids, std::slice::from_ref(&visitor));
    assert_eq!(alone.whose, Whose::Existing(ProfileId(2)));
    assert_eq!(alone.attach, [user("u-ada"), email("ada@northwind.example")]);
    let person = candidate(7, true, 99, &[email("ada@northwind.example")]);
    let both = resolve_event(&ids, &[visitor, person]);
    // Known wins, although it was seen later.
    assert_eq!(both.whose, Whose::Merge { survivor: ProfileId(7), losers: vec![ProfileId(2)] });
    assert_eq!(both.attach, [user("u-ada")]);
    assert!(!both.conflict);
}

#[test]
fn two_known_profiles_are_never_joined_by_an_event() {
    let ids = [user("u-bob"), email("bob@northwind.example"), anonymous("a-1")];
    let ada = candidate(1, true, 10, &[anonymous("a-1")]);
    let bob = candidate(4, true, 20, &[email("bob@northwind.example")]);
    let got = resolve_event(&ids, &[ada, bob]);
    assert_eq!(got, Resolution { whose: Whose::Existing(ProfileId(4)), attach: vec![], conflict: true });
}

#[test]
fn blocked_values_leave_nobody() {
    assert_eq!(resolve_event(&[], &[]), Resolution { whose: Whose::Nobody, attach: vec![], conflict: false });
}

#[test]
fn an_alias_joins_a_visitor_and_a_user_and_nothing_else() {
    let ids = [user("a-1"), user("u-9"), anonymous("a-1")];
    let visitor = candidate(3, false, 10, &[anonymous("a-1")]);
    let person = candidate(5, true, 20, &[user("u-9")]);
    let joined = resolve_alias(&ids, &[visitor.clone(), person.clone()]);
    assert_eq!(joined.whose, Whose::Merge { survivor: ProfileId(5), losers: vec![ProfileId(3)] });
    assert_eq!(joined.attach, [user("a-1")]);
    // Both known: a conflict, to the user id's profile whatever sorts first.
    let other = candidate(2, true, 5, &[user("a-1")]);
    let conflict = resolve_alias(&ids, &[other, person.clone()]);
    assert_eq!(conflict, Resolution { whose: Whose::Existing(ProfileId(5)), attach: vec![], conflict: true });
    // Already one profile: nothing changes.
    let one = candidate(5, true, 20, &ids);
    assert_eq!(
        resolve_alias(&ids, &[one]),
        Resolution { whose: Whose::Existing(ProfileId(5)), attach: vec![], conflict: false }
    );
    // Nobody knows either side: one new profile holds both.
    assert_eq!(resolve_alias(&ids, &[]).whose, Whose::New);
    assert_eq!(resolve_alias(&ids, &[]).attach, [user("u-9"), user("a-1"), anonymous("a-1")]);
    // A self-alias is an event like any other.
    assert_eq!(resolve_alias(&[user("u-9")], &[person]).whose, Whose::Existing(ProfileId(5)));
}

fn key() -> RecordKey {
    RecordKey { connection: "hubspot".into(), object: Object::Contact, id: "501".into() }
}

fn evidence<'a>(key: &'a RecordKey, ids: &'a [Identifier], candidates: &'a [Candidate]) -> RecordEvidence<'a> {
    RecordEvidence { key, linked: None, merged: &[], carried: None, identifiers: ids, candidates }
}

fn holder(profile: i64, first_seen: i64) -> HolderOf {
    HolderOf { profile: ProfileId(profile), first_seen: Some(Timestamp::from_secs(first_seen)) }
}

#[test]
fn a_record_goes_by_link_then_our_id_then_email() {
    let (key, ids) = (key(), [email("chen@kiwi.example")]);
    let by_mail = [candidate(9, true, 10, &ids)];
    let plain = evidence(&key, &ids, &by_mail);
    let linked = resolve_record(&RecordEvidence { linked: Some(holder(5, 1)), carried: Some(ProfileId(6)), ..plain });
    assert_eq!(linked.whose, Whose::Existing(ProfileId(5)));
    // The address stays with its holder.
    assert_eq!(linked.attach, []);
    let carried = resolve_record(&RecordEvidence { carried: Some(ProfileId(6)), ..plain });
    assert_eq!((carried.whose, carried.attach), (Whose::Existing(ProfileId(6)), vec![crm("501")]));
    let mail = resolve_record(&plain);
    assert_eq!((mail.whose, mail.attach), (Whose::Existing(ProfileId(9)), vec![crm("501")]));
    let nobody = resolve_record(&evidence(&key, &ids, &[]));
    assert_eq!((nobody.whose, nobody.attach), (Whose::New, vec![crm("501"), ids[0].clone()]));
}

#[test]
fn a_merge_in_the_crm_joins_the_profiles() {
    let (key, ids) = (key(), [email("chen@kiwi.example"), email("chen.k@kiwi.example")]);
    let candidates = [candidate(5, true, 10, &ids[..1]), candidate(10, true, 20, &ids[1..])];
    let merged = [holder(10, 20)];
    let got = resolve_record(&RecordEvidence {
        linked: Some(holder(5, 10)),
        merged: &merged,
        ..evidence(&key, &ids, &candidates)
    });
    assert_eq!(got.whose, Whose::Merge { survivor: ProfileId(5), losers: vec![ProfileId(10)] });
    assert_eq!((got.attach, got.ambiguity), (vec![], None));
}

#[test]
fn no_guess_is_made() {
    let (key, ids) = (key(), [email("a@kiwi.example"), email("b@kiwi.example")]);
    let two = [candidate(8, true, 1, &ids[1..]), candidate(3, true, 2, &ids[..1])];
    let got = resolve_record(&evidence(&key, &ids, &two));
    assert_eq!(got.whose, Whose::Nobody);
    assert_eq!(got.ambiguity, Some(Ambiguity::SeveralProfiles(vec![ProfileId(3), ProfileId(8)])));
    let mut twin = candidate(3, true, 2, &ids[..1]);
    twin.live_links = vec![("hubspot".into(), Object::Contact)];
    let got = resolve_record(&evidence(&key, &ids[..1], &[twin]));
    assert_eq!(got.ambiguity, Some(Ambiguity::SecondRecord(ProfileId(3))));
    let mut lead = candidate(3, true, 2, &ids[..1]);
    lead.live_links = vec![("hubspot".into(), Object::Lead)];
    assert_eq!(resolve_record(&evidence(&key, &ids[..1], &[lead])).whose, Whose::Existing(ProfileId(3)));
}

/// Identifiers of one event and a partition of some of them into candidates.
fn situation() -> impl Strategy<Value = (Vec<Identifier>, Vec<Candidate>)> {
    let pool = vec![user("u-1"), email("a@acme.example"), email("b@acme.example"), anonymous("a-1"), anonymous("a-2")];
    let owners = prop::collection::vec(0_i64..4, pool.len());
    let seen = prop::collection::vec(0_i64..3, 4);
    (prop::sample::subsequence(pool.clone(), 0..=pool.len()), owners, seen, Just(pool)).prop_map(
        |(asked, owners, seen, pool)| {
            let mut candidates: Vec<Candidate> = Vec::new();
            for (id, owner) in pool.iter().zip(&owners) {
                if *owner == 0 || !asked.contains(id) {
                    continue;
                }
                match candidates.iter_mut().find(|c| c.profile.0 == *owner) {
                    Some(found) => {
                        found.matched.push(id.clone());
                        found.known |= id.kind != IdentifierKind::AnonymousId;
                    }
                    None => {
                        let known = id.kind != IdentifierKind::AnonymousId || *owner == 3;
                        let first_seen = seen[usize::try_from(*owner).unwrap()];
                        candidates.push(candidate(*owner, known, first_seen, std::slice::from_ref(id)));
                    }
                }
            }
            (asked, candidates)
        },
    )
}

proptest! {
    #[test]
    fn decisions_do_not_depend_on_the_order_of_candidates((ids, candidates) in situation()) {
        let mut turned = candidates.clone();
        turned.reverse();
        prop_assert_eq!(resolve_event(&ids, &candidates), resolve_event(&ids, &turned));
        prop_assert_eq!(resolve_alias(&ids, &candidates), resolve_alias(&ids, &turned));
        let key = key();
        prop_assert_eq!(
            resolve_record(&evidence(&key, &ids, &candidates)),
            resolve_record(&evidence(&key, &ids, &turned))
        );
    }

    #[test]
    fn no_event_joins_two_known_profiles((ids, candidates) in situation()) {
        let known = |id: &ProfileId| candidates.iter().any(|c| c.profile == *id && c.known);
        for got in [resolve_event(&ids, &candidates), resolve_alias(&ids, &candidates)] {
            if let Whose::Merge { losers, .. } = &got.whose {
                prop_assert!(!losers.iter().any(known));
            }
            prop_assert!(!got.conflict || got.attach.is_empty());
            // What somebody holds is never attached again.
            let free = |id: &Identifier| !candidates.iter().any(|c| c.matched.contains(id));
            prop_assert!(got.attach.iter().all(free));
        }
    }
}

#[test]
fn a_new_user_on_the_device_of_a_known_one_is_somebody_else() {
    let ids = [user("u-bob"), email("bob@northwind.example"), anonymous("a-1")];
    let ada = Candidate { has_user_id: true, ..candidate(1, true, 10, &[anonymous("a-1")]) };
    let got = resolve_event(&ids, std::slice::from_ref(&ada));
    assert_eq!((got.whose, got.conflict), (Whose::New, true));
    assert_eq!(got.attach, ids[..2], "the device stays with its owner");
    // Known by an address alone, she may well have this user id.
    let by_mail = Candidate { has_user_id: false, ..ada.clone() };
    assert_eq!(resolve_event(&ids, &[by_mail]).whose, Whose::Existing(ProfileId(1)));
    // An address she holds says it is she, under another user id.
    let hers = Candidate { matched: vec![email("bob@northwind.example"), anonymous("a-1")], ..ada.clone() };
    assert_eq!(resolve_event(&ids, &[hers]).whose, Whose::Existing(ProfileId(1)));
    // Without a user id, an event says only what device it comes from: a second address is normal.
    let got = resolve_event(&ids[1..], &[ada]);
    assert_eq!((got.whose, got.conflict), (Whose::Existing(ProfileId(1)), false));
}
