//! Records that hang on another one: `GET /{module}/{id}/{related_list}`.

use super::kind::Kind;

/// A related list: its name, whose records it holds, and the field by which those point back.
pub struct RelatedList {
    pub name: &'static str,
    pub kind: Kind,
    pub field: &'static str,
}

const fn list(name: &'static str, kind: Kind, field: &'static str) -> RelatedList {
    RelatedList { name, kind, field }
}

/// The lists of a module, as the settings name them.
pub fn related_lists(kind: Kind) -> &'static [RelatedList] {
    const CONTACTS: &[RelatedList] = &[
        list("Notes", Kind::Notes, "Parent_Id"),
        list("Deals", Kind::Deals, "Contact_Name"),
        list("Tasks", Kind::Tasks, "Who_Id"),
        list("Events", Kind::Events, "Who_Id"),
        list("Calls", Kind::Calls, "Who_Id"),
    ];
    const ACCOUNTS: &[RelatedList] = &[
        list("Notes", Kind::Notes, "Parent_Id"),
        list("Contacts", Kind::Contacts, "Account_Name"),
        list("Deals", Kind::Deals, "Account_Name"),
        list("Child_Accounts", Kind::Accounts, "Parent_Account"),
        list("Tasks", Kind::Tasks, "What_Id"),
        list("Events", Kind::Events, "What_Id"),
        list("Calls", Kind::Calls, "What_Id"),
    ];
    const DEALS: &[RelatedList] = &[
        list("Notes", Kind::Notes, "Parent_Id"),
        list("Tasks", Kind::Tasks, "What_Id"),
        list("Events", Kind::Events, "What_Id"),
        list("Calls", Kind::Calls, "What_Id"),
    ];
    const LEADS: &[RelatedList] = &[
        list("Notes", Kind::Notes, "Parent_Id"),
        list("Tasks", Kind::Tasks, "Who_Id"),
        list("Events", Kind::Events, "Who_Id"),
        list("Calls", Kind::Calls, "Who_Id"),
    ];
    const NOTES: &[RelatedList] = &[list("Notes", Kind::Notes, "Parent_Id")];
    match kind {
        Kind::Contacts => CONTACTS,
        Kind::Accounts => ACCOUNTS,
        Kind::Deals => DEALS,
        Kind::Leads => LEADS,
        Kind::Tasks | Kind::Events | Kind::Calls => NOTES,
        Kind::Notes => &[],
    }
}
