//! The tables the org has, each under the four names the Web API knows it by.

/// One table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Account,
    Contact,
    Lead,
    Opportunity,
    Task,
    PhoneCall,
    Appointment,
    /// The union of the activity tables: read only, and not tracked.
    ActivityPointer,
    Annotation,
    SystemUser,
    Team,
    TransactionCurrency,
    BusinessUnit,
    Organization,
    Publisher,
    SdkMessage,
    SdkMessageFilter,
    OpportunityClose,
}

/// What does not change about a table.
pub struct Names {
    pub logical: &'static str,
    pub schema: &'static str,
    pub set: &'static str,
    pub id: &'static str,
    pub name: &'static str,
    pub label: &'static str,
    pub plural: &'static str,
}

impl Kind {
    /// In the order of their discriminants.
    pub const ALL: [Self; 18] = [
        Self::Account,
        Self::Contact,
        Self::Lead,
        Self::Opportunity,
        Self::Task,
        Self::PhoneCall,
        Self::Appointment,
        Self::ActivityPointer,
        Self::Annotation,
        Self::SystemUser,
        Self::Team,
        Self::TransactionCurrency,
        Self::BusinessUnit,
        Self::Organization,
        Self::Publisher,
        Self::SdkMessage,
        Self::SdkMessageFilter,
        Self::OpportunityClose,
    ];

    /// The activities that [`Kind::ActivityPointer`] shows.
    pub const ACTIVITIES: [Self; 4] = [Self::Task, Self::PhoneCall, Self::Appointment, Self::OpportunityClose];

    #[rustfmt::skip]
    pub fn names(self) -> Names {
        let (logical, schema, set, id, name, label, plural) = match self {
            Self::Account => ("account", "Account", "accounts", "accountid", "name", "Account", "Accounts"),
            Self::Contact => ("contact", "Contact", "contacts", "contactid", "fullname", "Contact", "Contacts"),
            Self::Lead => ("lead", "Lead", "leads", "leadid", "fullname", "Lead", "Leads"),
            Self::Opportunity => ("opportunity", "Opportunity", "opportunities", "opportunityid", "name", "Opportunity", "Opportunities"),
            Self::Task => ("task", "Task", "tasks", "activityid", "subject", "Task", "Tasks"),
            Self::PhoneCall => ("phonecall", "PhoneCall", "phonecalls", "activityid", "subject", "Phone Call", "Phone Calls"),
            Self::Appointment => ("appointment", "Appointment", "appointments", "activityid", "subject", "Appointment", "Appointments"),
            Self::ActivityPointer => ("activitypointer", "ActivityPointer", "activitypointers", "activityid", "subject", "Activity", "Activities"),
            Self::Annotation => ("annotation", "Annotation", "annotations", "annotationid", "subject", "Note", "Notes"),
            Self::SystemUser => ("systemuser", "SystemUser", "systemusers", "systemuserid", "fullname", "User", "Users"),
            Self::Team => ("team", "Team", "teams", "teamid", "name", "Team", "Teams"),
            Self::TransactionCurrency => ("transactioncurrency", "TransactionCurrency", "transactioncurrencies", "transactioncurrencyid", "currencyname", "Currency", "Currencies"),
            Self::BusinessUnit => ("businessunit", "BusinessUnit", "businessunits", "businessunitid", "name", "Business Unit", "Business Units"),
            Self::Organization => ("organization", "Organization", "organizations", "organizationid", "name", "Organization", "Organizations"),
            Self::Publisher => ("publisher", "Publisher", "publishers", "publisherid", "friendlyname", "Publisher", "Publishers"),
            Self::SdkMessage => ("sdkmessage", "SdkMessage", "sdkmessages", "sdkmessageid", "name", "Sdk Message", "Sdk Messages"),
            Self::SdkMessageFilter => ("sdkmessagefilter", "SdkMessageFilter", "sdkmessagefilters", "sdkmessagefilterid", "name", "Sdk Message Filter", "Sdk Message Filters"),
            Self::OpportunityClose => ("opportunityclose", "OpportunityClose", "opportunitycloses", "activityid", "subject", "Opportunity Close", "Opportunity Close Activities"),
        };
        Names { logical, schema, set, id, name, label, plural }
    }

    pub fn logical(self) -> &'static str {
        self.names().logical
    }

    pub fn set(self) -> &'static str {
        self.names().set
    }

    /// First group of the ids the org gives its rows.
    pub const fn tag(self) -> u32 {
        match self {
            Self::Account => 0xa000_0000,
            Self::Contact => 0xc000_0000,
            Self::Lead => 0xb000_0000,
            Self::Opportunity => 0xd000_0000,
            Self::Task => 0xf000_0000,
            Self::PhoneCall => 0xf100_0000,
            Self::Appointment => 0xf200_0000,
            Self::ActivityPointer => 0xf300_0000,
            Self::Annotation => 0xab00_0000,
            Self::SystemUser => 0x5000_0000,
            Self::Team => 0x5100_0000,
            Self::TransactionCurrency => 0xe000_0000,
            Self::BusinessUnit => 0x0a00_0000,
            Self::Organization => 0x3c00_0000,
            Self::Publisher => 0x9b00_0000,
            Self::SdkMessage => 0x9d00_0000,
            Self::SdkMessageFilter => 0x9f00_0000,
            Self::OpportunityClose => 0xf500_0000,
        }
    }

    pub fn of_set(set: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.set() == set)
    }

    pub fn of_logical(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.logical() == name)
    }

    pub fn is_activity(self) -> bool {
        Self::ACTIVITIES.contains(&self)
    }

    /// Tables that people own: rows have an owner, a state and a status.
    pub fn is_owned(self) -> bool {
        self.is_activity()
            || matches!(self, Self::Account | Self::Contact | Self::Lead | Self::Opportunity | Self::Annotation)
    }

    /// Whether programs may write it.
    pub fn is_writable(self) -> bool {
        self.is_owned() || matches!(self, Self::SystemUser | Self::Team | Self::TransactionCurrency | Self::Publisher)
    }

    pub fn is_mergeable(self) -> bool {
        matches!(self, Self::Account | Self::Contact | Self::Lead)
    }

    /// Tables a change can be followed in once an admin says so.
    pub fn can_be_tracked(self) -> bool {
        self.is_owned() && self != Self::OpportunityClose || self == Self::SystemUser
    }

    /// `CreateMultiple` and its siblings.
    pub fn has_bulk(self) -> bool {
        self.is_owned() && self != Self::OpportunityClose
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_all_is_the_order_of_the_discriminants() {
        assert!(Kind::ALL.iter().enumerate().all(|(at, kind)| *kind as usize == at));
        assert!(Kind::ALL.iter().all(|kind| Kind::of_set(kind.set()) == Some(*kind)));
        assert!(Kind::ALL.iter().all(|kind| Kind::of_logical(kind.logical()) == Some(*kind)));
    }
}
