//! Collection-valued navigation properties: what a row calls the rows that point at it.

use super::kind::Kind;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    pub nav: &'static str,
    pub parent: Kind,
    pub child: Kind,
    /// The lookup of the child, by its logical name.
    pub column: &'static str,
}

const fn link(parent: Kind, nav: &'static str, child: Kind, column: &'static str) -> Link {
    Link { nav, parent, child, column }
}

pub const ALL: [Link; 24] = [
    link(Kind::Account, "contact_customer_accounts", Kind::Contact, "parentcustomerid"),
    link(Kind::Account, "opportunity_customer_accounts", Kind::Opportunity, "customerid"),
    link(Kind::Account, "opportunity_parent_account", Kind::Opportunity, "parentaccountid"),
    link(Kind::Account, "account_parent_account", Kind::Account, "parentaccountid"),
    link(Kind::Account, "lead_parent_account", Kind::Lead, "parentaccountid"),
    link(Kind::Account, "Account_Tasks", Kind::Task, "regardingobjectid"),
    link(Kind::Account, "Account_Phonecalls", Kind::PhoneCall, "regardingobjectid"),
    link(Kind::Account, "Account_Annotation", Kind::Annotation, "objectid"),
    link(Kind::Contact, "contact_customer_contacts", Kind::Contact, "parentcustomerid"),
    link(Kind::Contact, "opportunity_customer_contacts", Kind::Opportunity, "customerid"),
    link(Kind::Contact, "opportunity_parent_contact", Kind::Opportunity, "parentcontactid"),
    link(Kind::Contact, "account_primary_contact", Kind::Account, "primarycontactid"),
    link(Kind::Contact, "lead_parent_contact", Kind::Lead, "parentcontactid"),
    link(Kind::Contact, "Contact_Tasks", Kind::Task, "regardingobjectid"),
    link(Kind::Contact, "Contact_Phonecalls", Kind::PhoneCall, "regardingobjectid"),
    link(Kind::Contact, "Contact_Annotation", Kind::Annotation, "objectid"),
    link(Kind::Lead, "contact_originating_lead", Kind::Contact, "originatingleadid"),
    link(Kind::Lead, "opportunity_originating_lead", Kind::Opportunity, "originatingleadid"),
    link(Kind::Lead, "Lead_Tasks", Kind::Task, "regardingobjectid"),
    link(Kind::Lead, "Lead_Annotation", Kind::Annotation, "objectid"),
    link(Kind::Opportunity, "Opportunity_Tasks", Kind::Task, "regardingobjectid"),
    link(Kind::Opportunity, "Opportunity_Phonecalls", Kind::PhoneCall, "regardingobjectid"),
    link(Kind::Opportunity, "Opportunity_Annotation", Kind::Annotation, "objectid"),
    link(Kind::Opportunity, "Opportunity_OpportunityClose", Kind::OpportunityClose, "opportunityid"),
];

/// The collection of that name; names are spelt exactly.
pub fn find(parent: Kind, nav: &str) -> Option<Link> {
    ALL.into_iter().find(|link| link.parent == parent && link.nav == nav)
}
