//! The objects of a portal and all the names each goes by.

/// An object type. The order is that of the tables in [`super::portal::Portal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Contact,
    Company,
    Deal,
    Ticket,
    Note,
    Task,
    Call,
    Meeting,
    Email,
    LineItem,
    Lead,
}

struct Names {
    kind: Kind,
    singular: &'static str,
    plural: &'static str,
    type_id: &'static str,
    /// Where ids start. All above 2^32, so that a 32-bit reader fails at once.
    first_id: u64,
}

const NAMES: [Names; 11] = [
    Names { kind: Kind::Contact, singular: "contact", plural: "contacts", type_id: "0-1", first_id: 10_000_000_001 },
    Names { kind: Kind::Company, singular: "company", plural: "companies", type_id: "0-2", first_id: 20_000_000_001 },
    Names { kind: Kind::Deal, singular: "deal", plural: "deals", type_id: "0-3", first_id: 30_000_000_001 },
    Names { kind: Kind::Ticket, singular: "ticket", plural: "tickets", type_id: "0-5", first_id: 40_000_000_001 },
    Names { kind: Kind::Note, singular: "note", plural: "notes", type_id: "0-46", first_id: 50_000_000_001 },
    Names { kind: Kind::Task, singular: "task", plural: "tasks", type_id: "0-27", first_id: 60_000_000_001 },
    Names { kind: Kind::Call, singular: "call", plural: "calls", type_id: "0-48", first_id: 70_000_000_001 },
    Names { kind: Kind::Meeting, singular: "meeting", plural: "meetings", type_id: "0-47", first_id: 80_000_000_001 },
    Names { kind: Kind::Email, singular: "email", plural: "emails", type_id: "0-49", first_id: 90_000_000_001 },
    Names {
        kind: Kind::LineItem,
        singular: "line_item",
        plural: "line_items",
        type_id: "0-8",
        first_id: 100_000_000_001,
    },
    Names { kind: Kind::Lead, singular: "lead", plural: "leads", type_id: "0-136", first_id: 110_000_000_001 },
];

impl Kind {
    pub const ALL: [Self; 11] = [
        Self::Contact,
        Self::Company,
        Self::Deal,
        Self::Ticket,
        Self::Note,
        Self::Task,
        Self::Call,
        Self::Meeting,
        Self::Email,
        Self::LineItem,
        Self::Lead,
    ];

    /// Reads a path segment: plural, singular or type id, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let is = |names: &&Names| name == names.singular || name == names.plural || name == names.type_id;
        NAMES.iter().find(is).map(|names| names.kind)
    }

    fn names(self) -> &'static Names {
        &NAMES[self as usize]
    }

    pub fn singular(self) -> &'static str {
        self.names().singular
    }

    pub fn plural(self) -> &'static str {
        self.names().plural
    }

    pub fn type_id(self) -> &'static str {
        self.names().type_id
    }

    pub fn first_id(self) -> u64 {
        self.names().first_id
    }

    /// The property holding the modification stamp. Contacts differ from everything else.
    pub fn modified_property(self) -> &'static str {
        if self == Self::Contact { "lastmodifieddate" } else { "hs_lastmodifieddate" }
    }

    pub fn created_property(self) -> &'static str {
        match self {
            Self::Contact | Self::Company | Self::Deal | Self::Ticket | Self::LineItem => "createdate",
            _ => "hs_createdate",
        }
    }

    /// What an answer holds when no `properties` were asked for, besides the id and the two stamps.
    pub fn default_properties(self) -> &'static [&'static str] {
        match self {
            Self::Contact => &["email", "firstname", "lastname"],
            Self::Company => &["domain", "name"],
            Self::Deal => &["amount", "closedate", "dealname", "dealstage", "pipeline"],
            Self::LineItem => &["amount", "hs_product_id", "name", "price", "quantity"],
            Self::Ticket => &["content", "hs_pipeline", "hs_pipeline_stage", "subject"],
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_kind_resolves_to_it() {
        for (at, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, at);
            for name in [kind.singular(), kind.plural(), kind.type_id()] {
                assert_eq!(Kind::parse(name), Some(kind), "{name}");
            }
            assert!(kind.first_id() > u64::from(u32::MAX));
        }
        assert_eq!(Kind::parse("gadgets"), None);
    }
}
