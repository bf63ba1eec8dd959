//! Associations between records. Generated ones follow from the population; the lists of a record are copied and held
//! when somebody changes them. Each link is held from both ends.

use std::collections::BTreeMap;

use super::kind::Kind;
use super::population::Population;

/// One end of a record's links to another object.
pub type Side = (Kind, u64, Kind);

/// A link: the other record and the association types it has, smallest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub to: u64,
    pub types: Vec<u32>,
}

#[derive(Debug, Default)]
pub struct Associations {
    held: BTreeMap<Side, Vec<Link>>,
    /// Labels of association types the portal's people have made.
    labels: BTreeMap<u32, String>,
}

/// The plain type from one object to another (`HUBSPOT_DEFINED`).
pub fn plain_type(from: Kind, to: Kind) -> Option<u32> {
    use Kind::{Call, Company, Contact, Deal, Email, Lead, LineItem, Meeting, Note, Task, Ticket};
    Some(match (from, to) {
        (Contact, Company) => 279,
        (Company, Contact) => 280,
        (Deal, Contact) => 3,
        (Contact, Deal) => 4,
        (Deal, Company) => 341,
        (Company, Deal) => 342,
        (Contact, Contact) => 449,
        (Company, Company) => 450,
        (Deal, Deal) => 451,
        (Contact, Ticket) => 15,
        (Ticket, Contact) => 16,
        (Company, Ticket) => 340,
        (Ticket, Company) => 339,
        (Deal, Ticket) => 27,
        (Ticket, Deal) => 28,
        (Call, Contact) => 194,
        (Contact, Call) => 193,
        (Call, Company) => 182,
        (Company, Call) => 181,
        (Call, Deal) => 206,
        (Deal, Call) => 205,
        (Call, Ticket) => 220,
        (Ticket, Call) => 219,
        (Email, Contact) => 198,
        (Contact, Email) => 197,
        (Email, Company) => 186,
        (Company, Email) => 185,
        (Email, Deal) => 210,
        (Deal, Email) => 209,
        (Email, Ticket) => 224,
        (Ticket, Email) => 223,
        (Meeting, Contact) => 200,
        (Contact, Meeting) => 199,
        (Meeting, Company) => 188,
        (Company, Meeting) => 187,
        (Meeting, Deal) => 212,
        (Deal, Meeting) => 211,
        (Meeting, Ticket) => 226,
        (Ticket, Meeting) => 225,
        (Note, Contact) => 202,
        (Contact, Note) => 201,
        (Note, Company) => 190,
        (Company, Note) => 189,
        (Note, Deal) => 214,
        (Deal, Note) => 213,
        (Note, Ticket) => 228,
        (Ticket, Note) => 227,
        (Task, Contact) => 204,
        (Contact, Task) => 203,
        (Task, Company) => 192,
        (Company, Task) => 191,
        (Task, Deal) => 216,
        (Deal, Task) => 215,
        (Deal, LineItem) => 19,
        (LineItem, Deal) => 20,
        (Lead, Contact) => 608,
        (Contact, Lead) => 609,
        (Task, Ticket) => 230,
        (Ticket, Task) => 229,
        _ => return None,
    })
}

/// The type that marks the one primary company.
pub fn primary_type(from: Kind, to: Kind) -> Option<u32> {
    Some(match (from, to) {
        (Kind::Contact, Kind::Company) => 1,
        (Kind::Company, Kind::Contact) => 2,
        (Kind::Deal, Kind::Company) => 5,
        (Kind::Company, Kind::Deal) => 6,
        (Kind::Ticket, Kind::Company) => 26,
        (Kind::Company, Kind::Ticket) => 25,
        _ => return None,
    })
}

/// A type seen from the other end; `None` when it is not one of `from` → `to`.
pub fn inverse(from: Kind, to: Kind, type_id: u32) -> Option<u32> {
    if plain_type(from, to) == Some(type_id) {
        return plain_type(to, from);
    }
    if primary_type(from, to) == Some(type_id) {
        return primary_type(to, from);
    }
    match (from, to, type_id) {
        // A lead's primary contact. What the contact's side of it is called is not known here: it reads as the plain one.
        (Kind::Lead, Kind::Contact, 578) => Some(609),
        (Kind::Contact, Kind::Company, 931) => Some(930),
        (Kind::Company, Kind::Contact, 930) => Some(931),
        (Kind::Company, Kind::Company, 13) => Some(14),
        (Kind::Company, Kind::Company, 14) => Some(13),
        _ => None,
    }
}

impl Associations {
    /// All links of a record to one object, in order of the other's id.
    pub fn links(&self, people: &Population, side: Side) -> Vec<Link> {
        match self.held.get(&side) {
            Some(links) => links.clone(),
            None => generated(people, side),
        }
    }

    /// Adds a link with these types, and its inverse. A second primary replaces the first.
    pub fn link(&mut self, people: &Population, (from, id, to): Side, other: u64, types: &[u32]) {
        let primary = primary_type(from, to);
        if let Some(primary) = primary.filter(|primary| types.contains(primary)) {
            let holder_is_from = to == Kind::Company;
            if holder_is_from {
                self.drop_primary(people, (from, id, to), primary);
            } else if let Some(back) = primary_type(to, from) {
                self.drop_primary(people, (to, other, from), back);
            }
        }
        let mut forward: Vec<u32> = types.to_vec();
        // A labelled link always has the unlabelled type beside it.
        forward.extend(plain_type(from, to));
        let backward: Vec<u32> = forward.iter().map(|each| inverse(from, to, *each).unwrap_or(*each)).collect();
        self.add(people, (from, id, to), other, &forward);
        self.add(people, (to, other, from), id, &backward);
    }

    /// Removes a link from both ends; tells whether there was one.
    pub fn unlink(&mut self, people: &Population, (from, id, to): Side, other: u64) -> bool {
        let had = self.held_links(people, (from, id, to)).iter().any(|link| link.to == other);
        self.held_links(people, (from, id, to)).retain(|link| link.to != other);
        self.held_links(people, (to, other, from)).retain(|link| link.to != id);
        had
    }

    pub fn label(&self, type_id: u32) -> Option<&str> {
        match type_id {
            1 | 2 | 5 | 6 | 25 | 26 | 578 => Some("Primary"),
            930 | 931 => Some("Billing contact"),
            13 => Some("Child Company"),
            14 => Some("Parent Company"),
            other => self.labels.get(&other).map(String::as_str),
        }
    }

    /// Makes a label of the portal's own; ids from 36 up.
    pub fn define_label(&mut self, label: &str) -> u32 {
        let id = 36 + self.labels.len() as u32;
        self.labels.insert(id, label.to_owned());
        id
    }

    pub fn is_user_defined(&self, type_id: u32) -> bool {
        self.labels.contains_key(&type_id)
    }

    pub fn user_labels(&self) -> impl Iterator<Item = (u32, &str)> {
        self.labels.iter().map(|(id, label)| (*id, label.as_str()))
    }

    fn held_links(&mut self, people: &Population, side: Side) -> &mut Vec<Link> {
        self.held.entry(side).or_insert_with(|| generated(people, side))
    }

    fn add(&mut self, people: &Population, side: Side, other: u64, types: &[u32]) {
        let links = self.held_links(people, side);
        let at = match links.iter().position(|link| link.to >= other) {
            Some(at) if links.get(at).is_some_and(|link| link.to == other) => at,
            found => {
                let at = found.unwrap_or(links.len());
                links.insert(at, Link { to: other, types: Vec::new() });
                at
            }
        };
        if let Some(link) = links.get_mut(at) {
            link.types.extend(types);
            link.types.sort_unstable();
            link.types.dedup();
        }
    }

    /// Takes the primary mark off the company that has it, from both ends. `side` is the one with a primary.
    fn drop_primary(&mut self, people: &Population, (from, id, to): Side, primary: u32) {
        let mut former = Vec::new();
        for link in self.held_links(people, (from, id, to)) {
            if link.types.contains(&primary) {
                link.types.retain(|each| *each != primary);
                former.push(link.to);
            }
        }
        let back = primary_type(to, from);
        for other in former {
            for link in self.held_links(people, (to, other, from)).iter_mut().filter(|link| link.to == id) {
                link.types.retain(|each| Some(*each) != back);
            }
        }
    }
}

/// The links generated records are born with.
fn generated(people: &Population, (from, id, to): Side) -> Vec<Link> {
    let Some(index) = people.index(from, id) else { return Vec::new() };
    let link = |other: u64| {
        let types = [primary_type(from, to), plain_type(from, to)].into_iter().flatten();
        let mut types: Vec<u32> = types.collect();
        types.sort_unstable();
        Link { to: to.first_id() + other, types }
    };
    let deals_of =
        |contacts: std::ops::Range<u64>| contacts.filter_map(|contact| people.crowd.deal_of_contact(contact));
    match (from, to) {
        (Kind::Contact, Kind::Company) => vec![link(people.crowd.company_of_contact(index))],
        (Kind::Company, Kind::Contact) => people.crowd.contacts_of_company(index).map(link).collect(),
        (Kind::Contact, Kind::Deal) => people.crowd.deal_of_contact(index).into_iter().map(link).collect(),
        (Kind::Deal, Kind::Contact) => vec![link(people.crowd.contact_of_deal(index))],
        (Kind::Deal, Kind::Company) => vec![link(people.crowd.company_of_contact(people.crowd.contact_of_deal(index)))],
        (Kind::Company, Kind::Deal) => deals_of(people.crowd.contacts_of_company(index)).map(link).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crowd::Crowd;

    fn people() -> Population {
        Population { crowd: Crowd { seed: 3, contacts: 40 }, equal_stamps: false }
    }

    #[test]
    fn a_link_is_seen_from_both_ends() {
        let mut all = Associations::default();
        all.link(&people(), (Kind::Deal, 1, Kind::Contact), 2, &[3]);
        assert_eq!(all.links(&people(), (Kind::Contact, 2, Kind::Deal)), [Link { to: 1, types: vec![4] }]);
        assert!(all.unlink(&people(), (Kind::Contact, 2, Kind::Deal), 1));
        assert!(all.links(&people(), (Kind::Deal, 1, Kind::Contact)).is_empty());
        assert!(!all.unlink(&people(), (Kind::Contact, 2, Kind::Deal), 1));
    }

    #[test]
    fn there_is_one_primary_company() {
        let mut all = Associations::default();
        let side = (Kind::Contact, 1, Kind::Company);
        all.link(&people(), side, 7, &[1]);
        all.link(&people(), side, 8, &[1]);
        let links = all.links(&people(), side);
        assert_eq!(links, [Link { to: 7, types: vec![279] }, Link { to: 8, types: vec![1, 279] }]);
        assert_eq!(all.links(&people(), (Kind::Company, 7, Kind::Contact)), [Link { to: 1, types: vec![280] }]);
    }

    #[test]
    fn generated_links_agree_from_both_ends() {
        let (all, people) = (Associations::default(), people());
        for deal in 0..people.count(Kind::Deal) {
            let id = Kind::Deal.first_id() + deal;
            for to in [Kind::Contact, Kind::Company] {
                for link in all.links(&people, (Kind::Deal, id, to)) {
                    let back = all.links(&people, (to, link.to, Kind::Deal));
                    assert!(back.iter().any(|each| each.to == id), "deal {deal} to {to:?} {}", link.to);
                }
            }
        }
    }
}
