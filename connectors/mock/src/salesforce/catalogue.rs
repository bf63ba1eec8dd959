//! The people, companies and deals of a new org: objects and fields as the vendor ships them.

use super::build::{address, area, field, flag, int, lookup, number, pick, system_fields, text};
use super::catalogue_more;
use super::kind::Kind;
use super::schema::{Field, FieldType, Schema};

const INDUSTRIES: [&str; 12] = [
    "Agriculture",
    "Banking",
    "Consulting",
    "Education",
    "Electronics",
    "Finance",
    "Healthcare",
    "Manufacturing",
    "Media",
    "Retail",
    "Technology",
    "Telecommunications",
];
const SOURCES: [&str; 6] = ["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Trade Show", "Other"];

/// Stage, probability in per cent, closed, won, forecast category.
pub const STAGES: [(&str, u32, bool, bool, &str); 7] = [
    ("Prospecting", 10, false, false, "Pipeline"),
    ("Qualification", 10, false, false, "Pipeline"),
    ("Engaging", 40, false, false, "Pipeline"),
    ("Proposal/Price Quote", 75, false, false, "BestCase"),
    ("Negotiation/Review", 90, false, false, "Forecast"),
    ("Closed Won", 100, true, true, "Closed"),
    ("Closed Lost", 0, true, false, "Omitted"),
];

/// Status and whether a lead in it is converted.
pub const LEAD_STATUSES: [(&str, bool); 4] = [
    ("Open - Not Contacted", false),
    ("Working - Contacted", false),
    ("Closed - Converted", true),
    ("Closed - Not Converted", false),
];

/// The schema of a new org.
pub fn schema(kind: Kind) -> Schema {
    let mut fields = system_fields(kind);
    fields.extend(match kind {
        Kind::Account => account(),
        Kind::Contact => contact(),
        Kind::Lead => lead(),
        Kind::Opportunity => opportunity(),
        Kind::OpportunityContactRole => role(),
        Kind::Campaign | Kind::CampaignMember | Kind::CampaignMemberStatus => catalogue_more::campaigns(kind),
        Kind::Task | Kind::Event => catalogue_more::activities(kind),
        Kind::Product2 | Kind::OpportunityLineItem => catalogue_more::products(kind),
        _ => catalogue_more::setup(kind),
    });
    if kind.is_mergeable() {
        let master = lookup("MasterRecordId", "Master Record ID", &[kind], "MasterRecord", None).read_only();
        fields.push(master);
    }
    Schema::new(fields)
}

/// The record's owner: whoever creates it, unless said otherwise.
pub fn owner() -> Field {
    Field { nillable: false, ..lookup("OwnerId", "Owner ID", &[Kind::User], "Owner", None).with_default() }
}

fn account() -> Vec<Field> {
    let mut fields = vec![
        text("Name", "Account Name", 255).required(),
        pick("Type", "Account Type", false, None, &["Prospect", "Customer - Direct", "Customer - Channel", "Other"]),
        lookup("ParentId", "Parent Account ID", &[Kind::Account], "Parent", Some("ChildAccounts")),
        field("Phone", "Account Phone", FieldType::Phone),
        field("Fax", "Account Fax", FieldType::Phone),
        text("AccountNumber", "Account Number", 40),
        field("Website", "Website", FieldType::Url),
        pick("Industry", "Industry", false, None, &INDUSTRIES),
        number("AnnualRevenue", "Annual Revenue", FieldType::Currency, 18, 0),
        int("NumberOfEmployees", "Employees", 8),
        area("Description", "Account Description", 32_000),
        pick("Rating", "Account Rating", false, None, &["Hot", "Warm", "Cold"]),
        text("Site", "Account Site", 80),
        pick("AccountSource", "Account Source", false, None, &SOURCES),
        owner(),
    ];
    fields.extend(address("Billing", "Billing"));
    fields.extend(address("Shipping", "Shipping"));
    fields
}

fn person(last: Field) -> Vec<Field> {
    vec![
        text("FirstName", "First Name", 40),
        last,
        pick("Salutation", "Salutation", false, None, &["Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx."]),
        text("Name", "Full Name", 121).computed(),
        field("Email", "Email", FieldType::Email).lookup_key(),
        text("Title", "Title", 128),
        field("Phone", "Phone", FieldType::Phone),
        field("MobilePhone", "Mobile Phone", FieldType::Phone),
        field("Fax", "Fax", FieldType::Phone),
        pick("LeadSource", "Lead Source", false, None, &SOURCES),
        area("Description", "Description", 32_000),
        flag("HasOptedOutOfEmail", "Email Opt Out"),
        flag("DoNotCall", "Do Not Call"),
        owner(),
    ]
}

fn contact() -> Vec<Field> {
    let mut fields = person(text("LastName", "Last Name", 80).required());
    fields.extend([
        lookup("AccountId", "Account ID", &[Kind::Account], "Account", Some("Contacts")),
        lookup("ReportsToId", "Reports To ID", &[Kind::Contact], "ReportsTo", None),
        text("Department", "Department", 80),
        field("HomePhone", "Home Phone", FieldType::Phone),
        field("Birthdate", "Birthdate", FieldType::Date),
        text("AssistantName", "Assistant's Name", 40),
        field("LastActivityDate", "Last Activity", FieldType::Date).computed(),
    ]);
    fields.extend(address("Mailing", "Mailing"));
    fields.extend(address("Other", "Other"));
    fields
}

fn lead() -> Vec<Field> {
    let statuses: Vec<&str> = LEAD_STATUSES.iter().map(|(status, _)| *status).collect();
    let mut fields = person(text("LastName", "Last Name", 80).required());
    fields.extend([
        text("Company", "Company", 255).required(),
        field("Website", "Website", FieldType::Url),
        Field { nillable: false, ..pick("Status", "Status", false, statuses.first().copied(), &statuses) },
        pick("Industry", "Industry", false, None, &INDUSTRIES),
        pick("Rating", "Rating", false, None, &["Hot", "Warm", "Cold"]),
        number("AnnualRevenue", "Annual Revenue", FieldType::Currency, 18, 0),
        int("NumberOfEmployees", "Employees", 8),
        flag("IsUnreadByOwner", "Unread By Owner"),
        flag("IsConverted", "Converted").read_only(),
        field("ConvertedDate", "Converted Date", FieldType::Date).read_only(),
        lookup("ConvertedAccountId", "Converted Account ID", &[Kind::Account], "ConvertedAccount", None).read_only(),
        lookup("ConvertedContactId", "Converted Contact ID", &[Kind::Contact], "ConvertedContact", None).read_only(),
        lookup(
            "ConvertedOpportunityId",
            "Converted Opportunity ID",
            &[Kind::Opportunity],
            "ConvertedOpportunity",
            None,
        )
        .read_only(),
    ]);
    fields.extend(address("", ""));
    fields
}

fn opportunity() -> Vec<Field> {
    let stages: Vec<&str> = STAGES.iter().map(|stage| stage.0).collect();
    vec![
        text("Name", "Name", 120).required(),
        lookup("AccountId", "Account ID", &[Kind::Account], "Account", Some("Opportunities")),
        lookup("ContactId", "Contact ID", &[Kind::Contact], "", None).create_only(),
        pick("StageName", "Stage", false, None, &stages).required(),
        field("CloseDate", "Close Date", FieldType::Date).required(),
        number("Amount", "Amount", FieldType::Currency, 18, 2),
        number("Probability", "Probability (%)", FieldType::Percent, 3, 0).with_default(),
        flag("IsClosed", "Closed").computed(),
        flag("IsWon", "Won").computed(),
        flag("HasOpportunityLineItem", "Has Line Item").computed(),
        pick(
            "ForecastCategory",
            "Forecast Category",
            true,
            None,
            &["Omitted", "Pipeline", "BestCase", "Forecast", "Closed"],
        )
        .computed(),
        pick("Type", "Opportunity Type", false, None, &["New Customer", "Existing Customer - Upgrade"]),
        pick("LeadSource", "Lead Source", false, None, &SOURCES),
        text("NextStep", "Next Step", 255),
        area("Description", "Description", 32_000),
        field("LastStageChangeDate", "Last Stage Change Date", FieldType::DateTime).computed(),
        lookup("CampaignId", "Campaign ID", &[Kind::Campaign], "Campaign", Some("Opportunities")),
        owner(),
    ]
}

fn role() -> Vec<Field> {
    vec![
        lookup("OpportunityId", "Opportunity ID", &[Kind::Opportunity], "Opportunity", Some("OpportunityContactRoles"))
            .required()
            .create_only(),
        lookup("ContactId", "Contact ID", &[Kind::Contact], "Contact", Some("OpportunityContactRoles")).required(),
        pick("Role", "Role", false, None, &["Business User", "Decision Maker", "Economic Buyer", "Evaluator", "Other"]),
        flag("IsPrimary", "Primary"),
    ]
}
