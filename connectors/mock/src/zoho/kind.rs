//! The modules the org has, each under the API name that paths and metadata use.

/// One module. Users are not one: they have an API of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Leads,
    Contacts,
    Accounts,
    Deals,
    Tasks,
    Events,
    Calls,
    Notes,
}

impl Kind {
    /// In the order of their discriminants.
    pub const ALL: [Self; 8] =
        [Self::Leads, Self::Contacts, Self::Accounts, Self::Deals, Self::Tasks, Self::Events, Self::Calls, Self::Notes];

    pub fn name(self) -> &'static str {
        match self {
            Self::Leads => "Leads",
            Self::Contacts => "Contacts",
            Self::Accounts => "Accounts",
            Self::Deals => "Deals",
            Self::Tasks => "Tasks",
            Self::Events => "Events",
            Self::Calls => "Calls",
            Self::Notes => "Notes",
        }
    }

    /// What metadata calls a single record.
    pub fn singular(self) -> &'static str {
        match self {
            Self::Leads => "Lead",
            Self::Contacts => "Contact",
            Self::Accounts => "Account",
            Self::Deals => "Deal",
            Self::Tasks => "Task",
            Self::Events => "Meeting",
            Self::Calls => "Call",
            Self::Notes => "Note",
        }
    }

    /// By API name, as paths have it: letter for letter.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// By any name people give it, for the control plane.
    pub fn by_any_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "contact" | "contacts" => Self::Contacts,
            "company" | "companies" | "account" | "accounts" => Self::Accounts,
            "deal" | "deals" | "opportunity" | "opportunities" | "potentials" => Self::Deals,
            "lead" | "leads" => Self::Leads,
            "task" | "tasks" => Self::Tasks,
            "event" | "events" | "meeting" | "meetings" => Self::Events,
            "call" | "calls" => Self::Calls,
            "note" | "notes" => Self::Notes,
            _ => return None,
        })
    }

    /// The field people know a record by.
    pub fn display_field(self) -> &'static str {
        match self {
            Self::Leads | Self::Contacts => "Full_Name",
            Self::Accounts => "Account_Name",
            Self::Deals => "Deal_Name",
            Self::Tasks | Self::Calls => "Subject",
            Self::Events => "Event_Title",
            Self::Notes => "Note_Title",
        }
    }

    /// The field the vendor itself tells duplicates by.
    pub fn duplicate_field(self) -> Option<&'static str> {
        match self {
            Self::Leads | Self::Contacts => Some("Email"),
            Self::Accounts => Some("Account_Name"),
            Self::Deals => Some("Deal_Name"),
            _ => None,
        }
    }

    pub fn is_mergeable(self) -> bool {
        matches!(self, Self::Leads | Self::Contacts | Self::Accounts)
    }

    /// Tasks, calls and meetings hang on a person (`Who_Id`) and on something else (`What_Id`).
    pub fn is_activity(self) -> bool {
        matches!(self, Self::Tasks | Self::Events | Self::Calls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_all_is_the_order_of_the_discriminants() {
        assert!(Kind::ALL.iter().enumerate().all(|(at, kind)| *kind as usize == at));
        assert_eq!(Kind::parse("Deals"), Some(Kind::Deals));
        assert_eq!(Kind::parse("deals"), None);
        assert_eq!(Kind::by_any_name("Companies"), Some(Kind::Accounts));
    }
}
