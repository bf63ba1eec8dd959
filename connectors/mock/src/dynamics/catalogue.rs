//! The people, firms and deals of a new organisation: tables and columns as the vendor ships them.

use super::build::{
    State, choice, day, decimal, flag, formatted, instant, int, lookup, memo, money, owner, polymorphic, shadows,
    states, system_columns, text,
};
use super::catalogue_more;
use super::kind::Kind;
use super::schema::{Choice, Column, Schema, Ty};

pub const INDUSTRIES: [&str; 33] = [
    "Accounting",
    "Agriculture and Non-petrol Natural Resource Extraction",
    "Broadcasting Printing and Publishing",
    "Brokers",
    "Building Supply Retail",
    "Business Services",
    "Consulting",
    "Consumer Services",
    "Design, Direction and Creative Management",
    "Distributors, Dispatchers and Processors",
    "Doctor's Offices and Clinics",
    "Durable Manufacturing",
    "Eating and Drinking Places",
    "Entertainment Retail",
    "Equipment Rental and Leasing",
    "Financial",
    "Food and Tobacco Processing",
    "Inbound Capital Intensive Processing",
    "Inbound Repair and Services",
    "Insurance",
    "Legal Services",
    "Non-Durable Merchandise Retail",
    "Outbound Consumer Service",
    "Petrochemical Extraction and Distribution",
    "Service Retail",
    "SIG Affiliations",
    "Social Services",
    "Special Outbound Trade Contractors",
    "Specialty Realty",
    "Transportation",
    "Utility Creation and Distribution",
    "Vehicle Retail",
    "Wholesale",
];
pub const LEAD_SOURCES: [&str; 10] = [
    "Advertisement",
    "Employee Referral",
    "External Referral",
    "Partner",
    "Public Relations",
    "Seminar",
    "Trade Show",
    "Web",
    "Word of Mouth",
    "Other",
];

/// The stages of the stock sales process: value, label, rank shown.
pub const SALES_STAGES: [&str; 4] = ["Qualify", "Develop", "Propose", "Close"];

const ACTIVE: [State; 2] = [(0, "Active", &[(1, "Active")]), (1, "Inactive", &[(2, "Inactive")])];
const LEAD_STATES: [State; 3] = [
    (0, "Open", &[(1, "New"), (2, "Contacted")]),
    (1, "Qualified", &[(3, "Qualified")]),
    (2, "Disqualified", &[(4, "Lost"), (5, "Cannot Contact"), (6, "No Longer Interested"), (7, "Canceled")]),
];
const OPPORTUNITY_STATES: [State; 3] = [
    (0, "Open", &[(1, "In Progress"), (2, "On Hold")]),
    (1, "Won", &[(3, "Won")]),
    (2, "Lost", &[(4, "Canceled"), (5, "Out-Sold")]),
];

/// The schema of a table in a new organisation.
pub fn schema(kind: Kind) -> Schema {
    let mut columns = system_columns(kind);
    if kind.is_owned() {
        columns.push(owner());
        columns.push(lookup("OwningBusinessUnit", "Owning Business Unit", Kind::BusinessUnit).read_only());
        columns.push(instant("OverriddenCreatedOn", "Record Created On").create_only());
        columns.push(
            int("ImportSequenceNumber", "Import Sequence Number", i64::from(i32::MIN), i64::from(i32::MAX))
                .create_only(),
        );
    }
    columns.extend(match kind {
        Kind::Account => account(),
        Kind::Contact => contact(),
        Kind::Lead => lead(),
        Kind::Opportunity => opportunity(),
        other => catalogue_more::columns(other),
    });
    if kind.is_mergeable() {
        columns.push(lookup("MasterId", "Master ID", kind).read_only());
        columns.push(flag("Merged", "Merged").read_only());
    }
    let shadows = shadows(&columns);
    columns.extend(shadows);
    let mut schema = Schema::new(columns);
    schema.tracked = kind.can_be_tracked() && kind != Kind::SystemUser && kind != Kind::Appointment;
    schema.optimistic = kind.is_owned();
    schema
}

/// The row's own currency and what one unit of the organisation's costs in it.
fn currency() -> [Column; 2] {
    [
        lookup("TransactionCurrencyId", "Currency", Kind::TransactionCurrency),
        decimal("ExchangeRate", "Exchange Rate", 10).read_only(),
    ]
}

fn address(number: u8) -> Vec<Column> {
    let part = |part: &str, label: &str, length| {
        text(&format!("Address{number}_{part}"), &format!("Address {number}: {label}"), length)
    };
    vec![
        part("Line1", "Street 1", 250),
        part("City", "City", 80),
        part("StateOrProvince", "State/Province", 50),
        part("PostalCode", "ZIP/Postal Code", 20),
        part("Country", "Country/Region", 80),
    ]
}

/// What people may be sent; the labels of two of them are the other way round.
fn consents() -> Vec<Column> {
    vec![
        flag("DoNotEMail", "Do not allow Emails"),
        flag("DoNotBulkEMail", "Do not allow Bulk Emails"),
        flag("DoNotPhone", "Do not allow Phone Calls"),
        flag("DoNotPostalMail", "Do not allow Mails"),
        flag("DoNotSendMM", "Send Marketing Materials"),
    ]
}

fn account() -> Vec<Column> {
    let mut columns = vec![
        text("Name", "Account Name", 160).recommended().indexed(),
        text("AccountNumber", "Account Number", 20).indexed(),
        formatted("WebSiteURL", "Website", 200, "Url"),
        formatted("EMailAddress1", "Email", 100, "Email"),
        formatted("Telephone1", "Main Phone", 50, "Phone"),
        choice("IndustryCode", "Industry", &INDUSTRIES),
        choice(
            "CustomerTypeCode",
            "Relationship Type",
            &[
                "Competitor",
                "Consultant",
                "Customer",
                "Investor",
                "Partner",
                "Influencer",
                "Press",
                "Prospect",
                "Reseller",
                "Supplier",
                "Vendor",
                "Other",
            ],
        ),
        int("NumberOfEmployees", "Number of Employees", 0, 1_000_000_000),
        memo("Description", "Description", 2_000),
        lookup("ParentAccountId", "Parent Account", Kind::Account),
        lookup("PrimaryContactId", "Primary Contact", Kind::Contact),
    ];
    columns.extend(money("Revenue", "Annual Revenue"));
    columns.extend(currency());
    columns.extend(address(1));
    columns.extend(consents());
    columns.extend(states(&ACTIVE));
    columns
}

fn contact() -> Vec<Column> {
    let mut columns = vec![
        text("FirstName", "First Name", 50).recommended(),
        text("MiddleName", "Middle Name", 50),
        text("LastName", "Last Name", 50).recommended(),
        text("FullName", "Full Name", 160).read_only(),
        text("Salutation", "Salutation", 100),
        formatted("EMailAddress1", "Email", 100, "Email"),
        formatted("EMailAddress2", "Email Address 2", 100, "Email"),
        formatted("EMailAddress3", "Email Address 3", 100, "Email"),
        formatted("Telephone1", "Business Phone", 50, "Phone"),
        formatted("MobilePhone", "Mobile Phone", 50, "Phone"),
        text("JobTitle", "Job Title", 100),
        text("Department", "Department", 100),
        day("BirthDate", "Birthday"),
        memo("Description", "Description", 2_000),
        choice("GenderCode", "Gender", &["Male", "Female"]),
        choice("LeadSourceCode", "Lead Source", &["Default Value"]),
        polymorphic("ParentCustomerId", "Company Name", Ty::Customer, &[Kind::Account, Kind::Contact], ""),
        lookup("OriginatingLeadId", "Originating Lead", Kind::Lead),
    ];
    columns.extend(money("CreditLimit", "Credit Limit"));
    columns.extend(currency());
    columns.extend(address(1));
    columns.extend(consents());
    columns.extend(states(&ACTIVE));
    columns
}

fn lead() -> Vec<Column> {
    let mut columns = vec![
        text("Subject", "Topic", 300).recommended(),
        text("FirstName", "First Name", 50).recommended(),
        text("LastName", "Last Name", 50).recommended(),
        text("FullName", "Name", 160).read_only(),
        text("CompanyName", "Company Name", 100).recommended(),
        formatted("EMailAddress1", "Email", 100, "Email"),
        formatted("EMailAddress2", "Email Address 2", 100, "Email"),
        formatted("EMailAddress3", "Email Address 3", 100, "Email"),
        formatted("Telephone1", "Business Phone", 50, "Phone"),
        formatted("MobilePhone", "Mobile Phone", 50, "Phone"),
        text("JobTitle", "Job Title", 100),
        formatted("WebSiteURL", "Website", 200, "Url"),
        choice("IndustryCode", "Industry", &INDUSTRIES),
        choice("LeadSourceCode", "Lead Source", &LEAD_SOURCES),
        choice("LeadQualityCode", "Rating", &["Hot", "Warm", "Cold"]),
        int("NumberOfEmployees", "No. of Employees", 0, 1_000_000_000),
        memo("Description", "Description", 2_000),
        polymorphic("CustomerId", "Customer", Ty::Customer, &[Kind::Account, Kind::Contact], ""),
        lookup("ParentAccountId", "Parent Account for lead", Kind::Account),
        lookup("ParentContactId", "Parent Contact for lead", Kind::Contact),
        lookup("QualifyingOpportunityId", "Qualifying Opportunity", Kind::Opportunity).read_only(),
    ];
    columns.extend(money("Revenue", "Annual Revenue"));
    columns.extend(currency());
    columns.extend(address(1));
    columns.extend(consents());
    columns.extend(states(&LEAD_STATES));
    columns
}

fn opportunity() -> Vec<Column> {
    let stages = SALES_STAGES.iter().zip(0..);
    let stages = stages.map(|(label, value)| Choice { value, label: (*label).to_owned(), state: 0 }).collect();
    let mut columns = vec![
        text("Name", "Topic", 300).recommended(),
        memo("Description", "Description", 2_000),
        day("EstimatedCloseDate", "Est. Close Date"),
        day("ActualCloseDate", "Actual Close Date"),
        int("CloseProbability", "Probability", 0, 100),
        choice("OpportunityRatingCode", "Rating", &["Hot", "Warm", "Cold"]),
        Column { choices: stages, ..choice("SalesStage", "Sales Stage", &[]) },
        text("StepName", "Pipeline Phase", 200),
        polymorphic("CustomerId", "Potential Customer", Ty::Customer, &[Kind::Account, Kind::Contact], ""),
        lookup("ParentAccountId", "Account", Kind::Account),
        lookup("ParentContactId", "Contact", Kind::Contact),
        lookup("OriginatingLeadId", "Originating Lead", Kind::Lead),
    ];
    columns.extend(money("EstimatedValue", "Est. Revenue"));
    columns.extend(money("ActualValue", "Actual Revenue"));
    columns.extend(currency());
    columns.extend(states(&OPPORTUNITY_STATES));
    columns
}
