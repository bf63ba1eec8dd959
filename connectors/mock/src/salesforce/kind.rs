//! The objects the org has, each with its API name and key prefix.

/// One object type. Named case-insensitively by callers, canonically by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Account,
    Contact,
    Lead,
    Opportunity,
    OpportunityContactRole,
    User,
    Task,
    Event,
    Campaign,
    CampaignMember,
    CampaignMemberStatus,
    Organization,
    PermissionSet,
    FieldPermissions,
    PermissionSetAssignment,
    LeadStatus,
    OpportunityStage,
    Group,
    AssignmentRule,
    Product2,
    OpportunityLineItem,
}

impl Kind {
    /// In the order of their discriminants.
    pub const ALL: [Self; 21] = [
        Self::Account,
        Self::Contact,
        Self::Lead,
        Self::Opportunity,
        Self::OpportunityContactRole,
        Self::User,
        Self::Task,
        Self::Event,
        Self::Campaign,
        Self::CampaignMember,
        Self::CampaignMemberStatus,
        Self::Organization,
        Self::PermissionSet,
        Self::FieldPermissions,
        Self::PermissionSetAssignment,
        Self::LeadStatus,
        Self::OpportunityStage,
        Self::Group,
        Self::AssignmentRule,
        Self::Product2,
        Self::OpportunityLineItem,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "Account",
            Self::Contact => "Contact",
            Self::Lead => "Lead",
            Self::Opportunity => "Opportunity",
            Self::OpportunityContactRole => "OpportunityContactRole",
            Self::User => "User",
            Self::Task => "Task",
            Self::Event => "Event",
            Self::Campaign => "Campaign",
            Self::CampaignMember => "CampaignMember",
            Self::CampaignMemberStatus => "CampaignMemberStatus",
            Self::Organization => "Organization",
            Self::PermissionSet => "PermissionSet",
            Self::FieldPermissions => "FieldPermissions",
            Self::PermissionSetAssignment => "PermissionSetAssignment",
            Self::LeadStatus => "LeadStatus",
            Self::OpportunityStage => "OpportunityStage",
            Self::Group => "Group",
            Self::AssignmentRule => "AssignmentRule",
            Self::Product2 => "Product2",
            Self::OpportunityLineItem => "OpportunityLineItem",
        }
    }

    /// The first three characters of its records' Ids.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Account => "001",
            Self::Contact => "003",
            Self::Lead => "00Q",
            Self::Opportunity => "006",
            Self::OpportunityContactRole => "00K",
            Self::User => "005",
            Self::Task => "00T",
            Self::Event => "00U",
            Self::Campaign => "701",
            Self::CampaignMember => "00v",
            Self::CampaignMemberStatus => "01Y",
            Self::Organization => "00D",
            Self::PermissionSet => "0PS",
            Self::FieldPermissions => "01k",
            Self::PermissionSetAssignment => "0Pa",
            Self::LeadStatus => "01J",
            Self::OpportunityStage => "01S",
            Self::Group => "00G",
            Self::AssignmentRule => "01Q",
            Self::Product2 => "01t",
            Self::OpportunityLineItem => "00k",
        }
    }

    /// The plural a user interface shows.
    pub fn plural_label(self) -> String {
        match self {
            Self::Opportunity => "Opportunities".into(),
            Self::OpportunityContactRole => "Opportunity Contact Roles".into(),
            Self::CampaignMember => "Campaign Members".into(),
            Self::FieldPermissions => "Field Permissions".into(),
            Self::Product2 => "Products".into(),
            Self::OpportunityLineItem => "Opportunity Products".into(),
            Self::LeadStatus => "Lead Status Values".into(),
            Self::CampaignMemberStatus => "Campaign Member Statuses".into(),
            other => format!("{}s", other.name()),
        }
    }

    /// By API name, in any capitals.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    pub fn of_prefix(prefix: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.prefix() == prefix)
    }

    /// Whether soft-deleted records of it can be merged losers.
    pub fn is_mergeable(self) -> bool {
        matches!(self, Self::Account | Self::Contact | Self::Lead)
    }

    /// What the API may do to it at all: setup objects are read only, or cannot be deleted.
    pub fn is_writable(self) -> bool {
        !matches!(self, Self::LeadStatus | Self::OpportunityStage | Self::Group | Self::AssignmentRule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_all_is_the_order_of_the_discriminants() {
        assert!(Kind::ALL.iter().enumerate().all(|(at, kind)| *kind as usize == at));
        assert!(Kind::ALL.iter().all(|kind| Kind::of_prefix(kind.prefix()) == Some(*kind)));
        assert_eq!(Kind::parse("opportunitycontactROLE"), Some(Kind::OpportunityContactRole));
    }
}
