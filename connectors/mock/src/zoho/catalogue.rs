//! The fields every org begins with, module by module. The first ones are the same in all modules: see the constants.

use super::kind::Kind;
use super::schema::{Access, Choice, Field, FieldId, FieldType, Schema};

pub const ID: FieldId = 0;
pub const CREATED_TIME: FieldId = 1;
pub const MODIFIED_TIME: FieldId = 2;
pub const CREATED_BY: FieldId = 3;
pub const MODIFIED_BY: FieldId = 4;
pub const LAST_ACTIVITY_TIME: FieldId = 5;
pub const OWNER: FieldId = 6;
pub const TAG: FieldId = 7;

pub const INDUSTRIES: [&str; 8] = [
    "Technology",
    "Financial Services",
    "Healthcare",
    "Consulting",
    "Manufacturing",
    "Communications",
    "Retail",
    "Telecommunications",
];
pub const LEAD_STATUSES: [&str; 6] =
    ["Not Contacted", "Attempted to Contact", "Contact in Future", "Contacted", "Lost Lead", "Pre-Qualified"];
pub const SOURCES: [&str; 6] =
    ["Advertisement", "Cold Call", "Partner", "Trade Show", "Web Download", "Seminar Partner"];
pub const DEAL_TYPES: [&str; 2] = ["New Business", "Existing Business"];
pub const TASK_STATUSES: [&str; 5] = ["Not Started", "Deferred", "In Progress", "Completed", "Waiting for input"];
const PRIORITIES: [&str; 5] = ["High", "Highest", "Low", "Lowest", "Normal"];
const CALL_TYPES: [&str; 3] = ["Inbound", "Outbound", "Missed"];

pub fn field(name: &str, label: &str, ty: FieldType) -> Field {
    let length = match ty {
        FieldType::TextArea => 32_000,
        FieldType::Email => 100,
        FieldType::Phone => 30,
        FieldType::Website => 450,
        FieldType::Integer => 9,
        FieldType::BigInt => 18,
        FieldType::Currency | FieldType::Double => 16,
        FieldType::Percent => 5,
        FieldType::Picklist => 120,
        _ => 255,
    };
    let decimals = if matches!(ty, FieldType::Currency | FieldType::Double) { 2 } else { 0 };
    Field {
        name: name.into(),
        label: label.to_owned(),
        ty,
        length,
        decimals,
        custom: false,
        read_only: false,
        mandatory: false,
        unique: false,
        external: false,
        choices: Vec::new(),
        access: Access::Edit,
        tooltip: None,
        removed: false,
    }
}

fn text(name: &str, label: &str, length: u32) -> Field {
    Field { length, ..field(name, label, FieldType::Text) }
}

fn pick(name: &str, label: &str, values: &[&str]) -> Field {
    Field {
        choices: values.iter().map(|value| Choice::plain(value)).collect(),
        ..field(name, label, FieldType::Picklist)
    }
}

fn must(field: Field) -> Field {
    Field { mandatory: true, ..field }
}

fn system(field: Field) -> Field {
    Field { read_only: true, ..field }
}

fn to(name: &str, label: &str, kind: Kind) -> Field {
    field(name, label, FieldType::Lookup(kind))
}

/// What a module starts with. `stages` and `pipelines` are the deals' values.
pub fn schema(kind: Kind, stages: &[&str], pipelines: &[&str]) -> Schema {
    let mut fields = vec![
        system(field("id", "Record Id", FieldType::BigInt)),
        system(field("Created_Time", "Created Time", FieldType::DateTime)),
        system(field("Modified_Time", "Modified Time", FieldType::DateTime)),
        system(field("Created_By", "Created By", FieldType::User)),
        system(field("Modified_By", "Modified By", FieldType::User)),
        system(field("Last_Activity_Time", "Last Activity Time", FieldType::DateTime)),
        field("Owner", "Owner", FieldType::User),
        field("Tag", "Tag", FieldType::Tags),
    ];
    fields.extend(match kind {
        Kind::Leads => leads(),
        Kind::Contacts => contacts(),
        Kind::Accounts => accounts(),
        Kind::Deals => deals(stages, pipelines),
        Kind::Tasks => tasks(),
        Kind::Events => events(),
        Kind::Calls => calls(),
        Kind::Notes => notes(),
    });
    Schema::new(fields)
}

fn person() -> Vec<Field> {
    vec![
        text("First_Name", "First Name", 40),
        must(text("Last_Name", "Last Name", 80)),
        system(text("Full_Name", "Full Name", 121)),
        pick("Salutation", "Salutation", &["Mr.", "Mrs.", "Ms.", "Dr.", "Prof."]),
        field("Email", "Email", FieldType::Email),
        field("Secondary_Email", "Secondary Email", FieldType::Email),
        field("Phone", "Phone", FieldType::Phone),
        field("Mobile", "Mobile", FieldType::Phone),
        field("Fax", "Fax", FieldType::Phone),
        pick("Lead_Source", "Lead Source", &SOURCES),
        field("Email_Opt_Out", "Email Opt Out", FieldType::Boolean),
        text("Skype_ID", "Skype ID", 50),
        text("Twitter", "Twitter", 50),
        field("Description", "Description", FieldType::TextArea),
    ]
}

fn address(stem: &str) -> Vec<Field> {
    let part = |part: &str, label: &str, length| {
        text(&format!("{stem}{part}"), &format!("{} {label}", stem.trim_end_matches('_')), length)
    };
    vec![
        part("Street", "Street", 250),
        part("City", "City", 100),
        part("State", "State", 100),
        part("Code", "Zip", 30),
        part("Country", "Country", 100),
    ]
}

fn leads() -> Vec<Field> {
    let mut fields = person();
    fields.extend([
        text("Company", "Company", 200),
        text("Designation", "Title", 100),
        field("Website", "Website", FieldType::Website),
        pick("Lead_Status", "Lead Status", &LEAD_STATUSES),
        pick("Industry", "Industry", &INDUSTRIES),
        field("Annual_Revenue", "Annual Revenue", FieldType::Currency),
        field("No_of_Employees", "No. of Employees", FieldType::Integer),
        pick("Rating", "Rating", &["Acquired", "Active", "Market Failed", "Project Cancelled", "Shut Down"]),
        text("Street", "Street", 250),
        text("City", "City", 100),
        text("State", "State", 100),
        text("Zip_Code", "Zip Code", 30),
        text("Country", "Country", 100),
        system(field("Converted__s", "Is Converted", FieldType::Boolean)),
        system(field("Converted_Date_Time", "Converted Date Time", FieldType::DateTime)),
        system(to("Converted_Account", "Converted Account", Kind::Accounts)),
        system(to("Converted_Contact", "Converted Contact", Kind::Contacts)),
        system(to("Converted_Deal", "Converted Deal", Kind::Deals)),
    ]);
    fields
}

fn contacts() -> Vec<Field> {
    let mut fields = person();
    fields.extend([
        to("Account_Name", "Account Name", Kind::Accounts),
        text("Title", "Title", 100),
        text("Department", "Department", 50),
        field("Date_of_Birth", "Date of Birth", FieldType::Date),
        field("Home_Phone", "Home Phone", FieldType::Phone),
        field("Other_Phone", "Other Phone", FieldType::Phone),
        text("Assistant", "Assistant", 50),
        to("Reporting_To", "Reporting To", Kind::Contacts),
    ]);
    fields.extend(address("Mailing_").into_iter().map(mailing_zip));
    fields.extend(address("Other_").into_iter().map(mailing_zip));
    fields
}

/// Contacts say `Mailing_Zip` where accounts say `Billing_Code`.
fn mailing_zip(field: Field) -> Field {
    match field.name.strip_suffix("_Code") {
        Some(stem) => Field { name: format!("{stem}_Zip").into(), ..field },
        None => field,
    }
}

fn accounts() -> Vec<Field> {
    let mut fields = vec![
        must(text("Account_Name", "Account Name", 200)),
        field("Website", "Website", FieldType::Website),
        field("Phone", "Phone", FieldType::Phone),
        field("Fax", "Fax", FieldType::Phone),
        pick("Industry", "Industry", &INDUSTRIES),
        pick("Account_Type", "Account Type", &["Analyst", "Competitor", "Customer", "Partner", "Prospect", "Vendor"]),
        pick("Rating", "Rating", &["Acquired", "Active", "Market Failed", "Project Cancelled", "Shut Down"]),
        field("Annual_Revenue", "Annual Revenue", FieldType::Currency),
        field("Employees", "Employees", FieldType::Integer),
        text("Account_Number", "Account Number", 40),
        text("Account_Site", "Account Site", 80),
        text("Ticker_Symbol", "Ticker Symbol", 30),
        to("Parent_Account", "Parent Account", Kind::Accounts),
        field("Description", "Description", FieldType::TextArea),
    ];
    fields.extend(address("Billing_"));
    fields.extend(address("Shipping_"));
    fields
}

fn deals(stages: &[&str], pipelines: &[&str]) -> Vec<Field> {
    vec![
        must(text("Deal_Name", "Deal Name", 120)),
        must(pick("Stage", "Stage", stages)),
        pick("Pipeline", "Pipeline", pipelines),
        field("Amount", "Amount", FieldType::Currency),
        field("Closing_Date", "Closing Date", FieldType::Date),
        Field { length: 3, ..field("Probability", "Probability (%)", FieldType::Integer) },
        system(field("Expected_Revenue", "Expected Revenue", FieldType::Currency)),
        to("Account_Name", "Account Name", Kind::Accounts),
        to("Contact_Name", "Contact Name", Kind::Contacts),
        pick("Type", "Type", &DEAL_TYPES),
        text("Next_Step", "Next Step", 100),
        pick("Lead_Source", "Lead Source", &SOURCES),
        field("Description", "Description", FieldType::TextArea),
        system(field("Stage_Modified_Time", "Stage Modified Time", FieldType::DateTime)),
        system(field("Sales_Cycle_Duration", "Sales Cycle Duration", FieldType::Integer)),
    ]
}

fn related() -> Vec<Field> {
    vec![
        field("Who_Id", "Contact Name", FieldType::AnyLookup),
        field("What_Id", "Related To", FieldType::AnyLookup),
        field("Description", "Description", FieldType::TextArea),
    ]
}

fn tasks() -> Vec<Field> {
    let mut fields = vec![
        must(text("Subject", "Subject", 255)),
        field("Due_Date", "Due Date", FieldType::Date),
        pick("Status", "Status", &TASK_STATUSES),
        pick("Priority", "Priority", &PRIORITIES),
        system(field("Closed_Time", "Closed Time", FieldType::DateTime)),
        field("Send_Notification_Email", "Send Notification Email", FieldType::Boolean),
    ];
    fields.extend(related());
    fields
}

fn events() -> Vec<Field> {
    let mut fields = vec![
        must(text("Event_Title", "Title", 255)),
        must(field("Start_DateTime", "From", FieldType::DateTime)),
        must(field("End_DateTime", "To", FieldType::DateTime)),
        field("All_day", "All day", FieldType::Boolean),
        text("Venue", "Location", 255),
    ];
    fields.extend(related());
    fields
}

fn calls() -> Vec<Field> {
    let mut fields = vec![
        must(text("Subject", "Subject", 255)),
        must(pick("Call_Type", "Call Type", &CALL_TYPES)),
        must(field("Call_Start_Time", "Call Start Time", FieldType::DateTime)),
        must(text("Call_Duration", "Call Duration", 16)),
        system(field("Call_Duration_in_seconds", "Call Duration (in seconds)", FieldType::Integer)),
        pick(
            "Call_Purpose",
            "Call Purpose",
            &["Prospecting", "Administrative", "Negotiation", "Demo", "Project", "Support"],
        ),
        // Of calls out only; one that came in or was missed has none.
        pick("Outgoing_Call_Status", "Outgoing Call Status", &["Scheduled", "Completed", "Overdue", "Cancelled"]),
        pick("Call_Result", "Call Result", &["Interested", "Not interested", "No response/Busy", "Invalid number"]),
    ];
    fields.extend(related());
    fields
}

fn notes() -> Vec<Field> {
    vec![
        text("Note_Title", "Note Title", 120),
        field("Note_Content", "Note Content", FieldType::TextArea),
        must(field("Parent_Id", "Parent ID", FieldType::AnyLookup)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_begins_alike_and_names_each_field_once() {
        for kind in Kind::ALL {
            let schema = schema(kind, &["Qualification"], &["Standard (Standard)"]);
            for (at, name) in [(ID, "id"), (MODIFIED_TIME, "Modified_Time"), (OWNER, "Owner"), (TAG, "Tag")] {
                assert_eq!(schema.get(name).map(|(id, _)| id), Some(at), "{name} of {}", kind.name());
            }
            assert!(schema.get(kind.display_field()).is_some());
            let names: std::collections::HashSet<_> = schema.all().map(|(_, field)| field.name.clone()).collect();
            assert_eq!(names.len(), schema.all().count());
        }
        assert!(schema(Kind::Contacts, &[], &[]).get("Mailing_Zip").is_some());
    }
}
