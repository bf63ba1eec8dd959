//! The properties a new portal comes with: a working selection of the vendor's, with their types, options and locks.

use super::kind::Kind;
use super::pipelines::Pipeline;
use super::population::INDUSTRIES;
use super::schema::{Choice, Group, Property, Schema, Type};

/// 2023-09-01T08:00:00Z.
const MADE: i64 = 1_693_555_200_000;

const LIFECYCLE: [(&str, &str); 8] = [
    ("subscriber", "Subscriber"),
    ("lead", "Lead"),
    ("marketingqualifiedlead", "Marketing Qualified Lead"),
    ("salesqualifiedlead", "Sales Qualified Lead"),
    ("opportunity", "Opportunity"),
    ("customer", "Customer"),
    ("evangelist", "Evangelist"),
    ("other", "Other"),
];

/// Where a lifecycle stage stands; writes never move back.
pub fn lifecycle_rank(stage: &str) -> Option<usize> {
    LIFECYCLE.iter().position(|(value, _)| *value == stage)
}

/// The schema of `kind` in a portal with these deal pipelines.
pub fn schema(kind: Kind, pipelines: &[Pipeline]) -> Schema {
    let group = group_name(kind);
    let mut schema = Schema {
        properties: Default::default(),
        groups: vec![Group { name: group.into(), label: group_label(kind).into(), display_order: 0 }],
    };
    let mut maker = Maker { schema: &mut schema, group };
    maker.locked("hs_object_id", "Record ID", Type::Number);
    maker.locked(kind.created_property(), "Create Date", Type::DateTime);
    maker.locked(kind.modified_property(), "Last Modified Date", Type::DateTime);
    maker.locked("hs_merged_object_ids", "Merged record IDs", Type::Text);
    match kind {
        Kind::Contact => contact(&mut maker),
        Kind::Company => company(&mut maker),
        Kind::Deal => deal(&mut maker, pipelines),
        Kind::Ticket => ticket(&mut maker),
        Kind::LineItem => line_item(&mut maker),
        Kind::Lead => lead(&mut maker),
        _ => activity(&mut maker, kind),
    }
    schema
}

fn group_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Contact => "contactinformation",
        Kind::Company => "companyinformation",
        Kind::Deal => "dealinformation",
        Kind::Ticket => "ticketinformation",
        Kind::LineItem => "lineiteminformation",
        Kind::Lead => "leadinformation",
        _ => "engagement",
    }
}

fn group_label(kind: Kind) -> &'static str {
    match kind {
        Kind::Contact => "Contact information",
        Kind::Company => "Company information",
        Kind::Deal => "Deal information",
        Kind::Ticket => "Ticket information",
        Kind::LineItem => "Line item information",
        Kind::Lead => "Lead information",
        _ => "Engagement",
    }
}

struct Maker<'a> {
    schema: &'a mut Schema,
    group: &'a str,
}

impl Maker<'_> {
    fn add(&mut self, name: &str, label: &str, kind: Type) -> &mut Property {
        let made = Property { created: MADE, updated: MADE, ..Property::new(name, label, kind, self.group) };
        self.schema.properties.entry(name.into()).or_insert(made)
    }

    fn texts(&mut self, pairs: &[(&str, &str)]) {
        for (name, label) in pairs {
            self.add(name, label, Type::Text);
        }
    }

    fn locked(&mut self, name: &str, label: &str, kind: Type) {
        self.add(name, label, kind).read_only = true;
    }

    fn computed(&mut self, name: &str, label: &str, kind: Type) {
        let property = self.add(name, label, kind);
        property.calculated = true;
        property.read_only = true;
    }

    fn options(&mut self, name: &str, label: &str, choices: &[(&str, &str)]) {
        self.add(name, label, Type::Enumeration).choices =
            choices.iter().map(|(value, label)| Choice::plain(value, label)).collect();
    }

    /// An enumeration whose values live elsewhere: `options` is empty and means nothing.
    fn external(&mut self, name: &str, label: &str) {
        self.add(name, label, Type::Enumeration).external_options = true;
    }
}

fn contact(maker: &mut Maker<'_>) {
    let email = maker.add("email", "Email", Type::Text);
    email.unique = true;
    email.form_field = true;
    maker.texts(&[
        ("firstname", "First Name"),
        ("lastname", "Last Name"),
        ("jobtitle", "Job Title"),
        ("phone", "Phone Number"),
        ("mobilephone", "Mobile Phone Number"),
        ("company", "Company Name"),
        ("website", "Website URL"),
        ("address", "Street Address"),
        ("city", "City"),
        ("state", "State/Region"),
        ("zip", "Postal Code"),
        ("country", "Country/Region"),
        ("hs_language", "Preferred language"),
        ("message", "Message"),
    ]);
    maker.options("lifecyclestage", "Lifecycle Stage", &LIFECYCLE);
    maker.options(
        "hs_lead_status",
        "Lead Status",
        &[
            ("NEW", "New"),
            ("OPEN", "Open"),
            ("IN_PROGRESS", "In Progress"),
            ("OPEN_DEAL", "Open Deal"),
            ("UNQUALIFIED", "Unqualified"),
            ("ATTEMPTED_TO_CONTACT", "Attempted to Contact"),
            ("CONNECTED", "Connected"),
            ("BAD_TIMING", "Bad Timing"),
        ],
    );
    maker.external("hubspot_owner_id", "Contact owner");
    maker.add("hs_email_optout", "Unsubscribed from all email", Type::Bool);
    maker.add("date_of_birth", "Date of birth", Type::Text);
    maker.add("hs_content_membership_notes", "Membership Notes", Type::Text);
    maker.add("notes_last_contacted", "Last Contacted", Type::DateTime).read_only = true;
    maker.add("hs_additional_emails", "Additional email addresses", Type::Enumeration).external_options = true;
    maker.locked("associatedcompanyid", "Primary Associated Company ID", Type::Number);
    maker.locked("hs_analytics_source", "Original Traffic Source", Type::Text);
    maker.locked("hs_lifecyclestage_customer_date", "Date entered Customer", Type::DateTime);
    // Defined and never filled: a cursor on it finds nothing, silently.
    maker.locked("hs_lastmodifieddate", "Object last modified date/time", Type::DateTime);
    maker.computed("hs_email_domain", "Email Domain", Type::Text);
    maker.computed("hubspotscore", "HubSpot Score", Type::Number);
    maker.computed("hs_calculated_merged_vids", "Merged Contact IDs", Type::Text);
}

fn company(maker: &mut Maker<'_>) {
    maker.texts(&[
        ("name", "Company name"),
        ("domain", "Company Domain Name"),
        ("website", "Website URL"),
        ("phone", "Phone Number"),
        ("address", "Street Address"),
        ("city", "City"),
        ("state", "State/Region"),
        ("zip", "Postal Code"),
        ("country", "Country/Region"),
        ("description", "Description"),
        ("founded_year", "Year Founded"),
        ("sector", "Sector"),
        ("subsidiary_of", "Subsidiary of"),
    ]);
    let industries: Vec<(&str, &str)> = INDUSTRIES.iter().map(|value| (*value, *value)).collect();
    maker.options("industry", "Industry", &industries);
    maker.options("lifecyclestage", "Lifecycle Stage", &LIFECYCLE);
    maker.external("hubspot_owner_id", "Company owner");
    maker.add("numberofemployees", "Number of Employees", Type::Number);
    maker.add("annualrevenue", "Annual Revenue", Type::Number);
    maker.locked("hs_parent_company_id", "Parent Company", Type::Number);
}

fn deal(maker: &mut Maker<'_>, pipelines: &[Pipeline]) {
    maker.texts(&[("dealname", "Deal Name"), ("description", "Deal Description"), ("product", "Product")]);
    maker.add("amount", "Amount", Type::Number);
    maker.add("closedate", "Close Date", Type::DateTime);
    maker.external("dealstage", "Deal Stage");
    maker.external("pipeline", "Pipeline");
    maker.external("hubspot_owner_id", "Deal owner");
    maker.options(
        "dealtype",
        "Deal Type",
        &[("newbusiness", "New Business"), ("existingbusiness", "Existing Business")],
    );
    maker.options("deal_currency_code", "Currency", &[("USD", "US Dollar"), ("EUR", "Euro"), ("GBP", "British Pound")]);
    maker.computed("amount_in_home_currency", "Amount in company currency", Type::Number);
    maker.computed("hs_closed_amount", "Closed Deal Amount", Type::Number);
    maker.computed("hs_is_closed", "Is Deal Closed?", Type::Bool);
    maker.computed("hs_is_closed_won", "Is Closed Won", Type::Bool);
    maker.computed("hs_deal_stage_probability", "Deal probability", Type::Number);
    for pipeline in pipelines {
        for stage in &pipeline.stages {
            let label = format!("Date entered \"{} ({})\"", stage.label, pipeline.label);
            maker.computed(&format!("hs_v2_date_entered_{}", stage.id), &label, Type::DateTime);
        }
    }
}

fn ticket(maker: &mut Maker<'_>) {
    maker.texts(&[("subject", "Ticket name"), ("content", "Ticket description")]);
    maker.external("hs_pipeline", "Pipeline");
    maker.external("hs_pipeline_stage", "Ticket status");
    maker.external("hubspot_owner_id", "Ticket owner");
}

fn line_item(maker: &mut Maker<'_>) {
    maker.texts(&[("name", "Name"), ("description", "Description"), ("hs_sku", "SKU")]);
    let numbers =
        [("quantity", "Quantity"), ("price", "Unit price"), ("amount", "Net price"), ("hs_product_id", "Product ID")];
    for (name, label) in numbers {
        maker.add(name, label, Type::Number);
    }
}

fn lead(maker: &mut Maker<'_>) {
    maker.texts(&[("hs_lead_name", "Lead name")]);
    maker.options("hs_lead_label", "Lead label", &[("HOT", "Hot"), ("WARM", "Warm"), ("COLD", "Cold")]);
    maker.external("hs_pipeline", "Pipeline");
    maker.external("hs_pipeline_stage", "Lead stage");
    maker.external("hubspot_owner_id", "Lead owner");
}

fn activity(maker: &mut Maker<'_>, kind: Kind) {
    maker.add("hs_timestamp", "Activity date", Type::DateTime);
    maker.external("hubspot_owner_id", "Activity assigned to");
    match kind {
        Kind::Note => maker.texts(&[("hs_note_body", "Note body"), ("hs_attachment_ids", "Attached content IDs")]),
        Kind::Task => {
            maker.texts(&[("hs_task_subject", "Task Title"), ("hs_task_body", "Task Notes")]);
            let same = |values: &[&'static str]| values.iter().map(|v| (*v, *v)).collect::<Vec<_>>();
            let states = same(&["NOT_STARTED", "IN_PROGRESS", "WAITING", "DEFERRED", "COMPLETED"]);
            maker.options("hs_task_status", "Task Status", &states);
            maker.options("hs_task_priority", "Priority", &same(&["NONE", "LOW", "MEDIUM", "HIGH"]));
            maker.add("hs_task_completion_date", "Completed at", Type::DateTime).read_only = true;
            maker.options("hs_task_type", "Task Type", &same(&["TODO", "CALL", "EMAIL"]));
        }
        Kind::Call => {
            maker.texts(&[
                ("hs_call_title", "Call Title"),
                ("hs_call_body", "Call notes"),
                ("hs_call_status", "Call status"),
                ("hs_call_disposition", "Call outcome"),
            ]);
            maker.options("hs_call_direction", "Call direction", &[("INBOUND", "Inbound"), ("OUTBOUND", "Outbound")]);
            maker.add("hs_call_duration", "Call duration", Type::Number);
        }
        Kind::Meeting => {
            maker.texts(&[
                ("hs_meeting_title", "Meeting name"),
                ("hs_meeting_body", "Meeting description"),
                ("hs_meeting_outcome", "Meeting outcome"),
            ]);
            maker.add("hs_meeting_start_time", "Meeting start time", Type::DateTime);
            maker.add("hs_meeting_end_time", "Meeting end time", Type::DateTime);
        }
        _ => maker.texts(&[
            ("hs_email_direction", "Email Direction"),
            ("hs_email_status", "Email send status"),
            ("hs_email_subject", "Email subject"),
            ("hs_email_text", "Email body"),
            ("hs_email_html", "Email HTML"),
            ("hs_email_headers", "Email headers"),
        ]),
    }
}
