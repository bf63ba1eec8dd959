//! Activities, campaigns and setup objects of a new org.

use super::build::{area, field, flag, int, lookup, number, pick, text};
use super::catalogue::{self, owner};
use super::kind::Kind;
use super::schema::{Field, FieldType};

pub fn activities(kind: Kind) -> Vec<Field> {
    let children = if kind == Kind::Task { "Tasks" } else { "Events" };
    let what = [Kind::Account, Kind::Opportunity, Kind::Campaign];
    let mut fields = vec![
        lookup("WhoId", "Name ID", &[Kind::Contact, Kind::Lead], "Who", Some(children)),
        lookup("WhatId", "Related To ID", &what, "What", Some(children)),
        text("Subject", "Subject", 255),
        field("ActivityDate", "Due Date Only", FieldType::Date),
        area("Description", "Comments", 32_000),
        owner(),
        lookup("AccountId", "Account ID", &[Kind::Account], "Account", None).read_only(),
        flag("IsArchived", "Archived").read_only(),
    ];
    fields.extend(if kind == Kind::Task { task() } else { event() });
    fields
}

fn task() -> Vec<Field> {
    let statuses = ["Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"];
    vec![
        Field { nillable: false, ..pick("Status", "Status", false, Some("Not Started"), &statuses) },
        Field { nillable: false, ..pick("Priority", "Priority", false, Some("Normal"), &["High", "Normal", "Low"]) },
        flag("IsHighPriority", "High Priority").read_only(),
        flag("IsClosed", "Closed").computed(),
        field("CompletedDateTime", "Completed Date", FieldType::DateTime).read_only(),
        pick("Type", "Type", false, None, &["Call", "Email", "Meeting", "Other"]),
        pick("TaskSubtype", "Task Subtype", true, Some("Task"), &["Task", "Email", "ListEmail", "Cadence", "Call"])
            .create_only(),
        int("CallDurationInSeconds", "Call Duration", 8),
        pick("CallType", "Call Type", false, None, &["Internal", "Inbound", "Outbound"]),
    ]
}

fn event() -> Vec<Field> {
    vec![
        field("StartDateTime", "Start Date Time", FieldType::DateTime),
        field("EndDateTime", "End Date Time", FieldType::DateTime),
        int("DurationInMinutes", "Duration", 8),
        field("ActivityDateTime", "Due Date Time", FieldType::DateTime),
        flag("IsAllDayEvent", "All-Day Event"),
        text("Location", "Location", 255),
        pick("ShowAs", "Show Time As", false, Some("Busy"), &["Busy", "OutOfOffice", "Free"]),
        pick("Type", "Type", false, None, &["Call", "Email", "Meeting", "Other"]),
    ]
}

/// Products, and what of them is on the lines of deals.
pub fn products(kind: Kind) -> Vec<Field> {
    if kind == Kind::Product2 {
        return vec![
            text("Name", "Product Name", 255).required(),
            text("ProductCode", "Product Code", 255),
            flag("IsActive", "Active"),
            pick("Family", "Product Family", false, None, &["None"]),
            area("Description", "Product Description", 4_000),
        ];
    }
    vec![
        lookup("OpportunityId", "Opportunity ID", &[Kind::Opportunity], "Opportunity", Some("OpportunityLineItems"))
            .required()
            .create_only(),
        lookup("Product2Id", "Product ID", &[Kind::Product2], "Product2", Some("OpportunityLineItems")).create_only(),
        number("Quantity", "Quantity", FieldType::Double, 12, 2),
        number("UnitPrice", "Sales Price", FieldType::Currency, 18, 2),
        number("TotalPrice", "Total Price", FieldType::Currency, 18, 2),
        text("Description", "Line Description", 255),
    ]
}

pub fn campaigns(kind: Kind) -> Vec<Field> {
    let of = |children| {
        lookup("CampaignId", "Campaign ID", &[Kind::Campaign], "Campaign", children).required().create_only()
    };
    match kind {
        Kind::Campaign => vec![
            text("Name", "Name", 80).required(),
            flag("IsActive", "Active"),
            pick("Type", "Type", false, None, &["Conference", "Email", "Webinar", "Other"]),
            pick("Status", "Status", false, Some("Planned"), &["Planned", "In Progress", "Completed", "Aborted"]),
            field("StartDate", "Start Date", FieldType::Date),
            field("EndDate", "End Date", FieldType::Date),
            area("Description", "Description", 32_000),
            lookup("ParentId", "Parent Campaign ID", &[Kind::Campaign], "Parent", Some("ChildCampaigns")),
            owner(),
        ],
        Kind::CampaignMember => vec![
            of(Some("CampaignMembers")),
            lookup("ContactId", "Contact ID", &[Kind::Contact], "Contact", Some("CampaignMembers")).create_only(),
            lookup("LeadId", "Lead ID", &[Kind::Lead], "Lead", Some("CampaignMembers")).create_only(),
            Field { defaulted: true, ..text("Status", "Status", 40) },
            flag("HasResponded", "Responded").computed(),
            field("FirstRespondedDate", "First Responded Date", FieldType::Date).read_only(),
        ],
        _ => vec![
            of(Some("CampaignMemberStatuses")),
            text("Label", "Label", 765).required(),
            int("SortOrder", "Sort Order", 8),
            flag("IsDefault", "Is Default"),
            flag("HasResponded", "Responded"),
        ],
    }
}

pub fn setup(kind: Kind) -> Vec<Field> {
    match kind {
        Kind::User => user(),
        Kind::Organization => vec![
            text("Name", "Name", 80).required().read_only(),
            flag("IsSandbox", "Is Sandbox").read_only(),
            text("OrganizationType", "Edition", 40).read_only(),
            text("InstanceName", "Instance Name", 5).read_only(),
            text("LanguageLocaleKey", "Language", 40).read_only(),
            text("TimeZoneSidKey", "Time Zone", 40).read_only(),
            text("DefaultCurrencyIsoCode", "Default Currency", 3).read_only(),
        ],
        Kind::PermissionSet => vec![
            text("Name", "Permission Set Name", 80).required(),
            text("Label", "Permission Set Label", 80).required(),
            text("Description", "Description", 255),
            flag("IsOwnedByProfile", "Is Owned By Profile").read_only(),
        ],
        Kind::FieldPermissions => vec![
            lookup("ParentId", "Parent ID", &[Kind::PermissionSet], "Parent", Some("FieldPerms"))
                .required()
                .create_only(),
            text("SobjectType", "SObject Type", 40).required().create_only(),
            text("Field", "Field Name", 255).required().create_only(),
            flag("PermissionsRead", "Read Access"),
            flag("PermissionsEdit", "Edit Access"),
        ],
        Kind::PermissionSetAssignment => vec![
            lookup("AssigneeId", "Assignee ID", &[Kind::User], "Assignee", Some("PermissionSetAssignments"))
                .required()
                .create_only(),
            lookup(
                "PermissionSetId",
                "Permission Set ID",
                &[Kind::PermissionSet],
                "PermissionSet",
                Some("Assignments"),
            )
            .required()
            .create_only(),
        ],
        Kind::LeadStatus | Kind::OpportunityStage => stages(kind),
        Kind::Group => vec![
            text("Name", "Name", 40).required(),
            text("DeveloperName", "Group Name", 80),
            pick("Type", "Type", true, Some("Queue"), &["Queue", "Regular"]),
        ],
        _ => vec![
            text("Name", "Name", 120).required(),
            text("SobjectType", "SObject Type", 40),
            flag("Active", "Active"),
        ],
    }
}

fn user() -> Vec<Field> {
    vec![
        text("Username", "Username", 80).required().lookup_key(),
        text("FirstName", "First Name", 40),
        text("LastName", "Last Name", 80).required(),
        text("Name", "Full Name", 121).computed(),
        field("Email", "Email", FieldType::Email).required(),
        text("Alias", "Alias", 8).with_default(),
        text("Title", "Title", 80),
        text("Department", "Department", 80),
        flag("IsActive", "Active"),
        pick("UserType", "User Type", true, Some("Standard"), &["Standard", "Guest", "CsnOnly"]).read_only(),
        lookup("ManagerId", "Manager ID", &[Kind::User], "Manager", None),
        text("TimeZoneSidKey", "Time Zone", 40).with_default(),
    ]
}

fn stages(kind: Kind) -> Vec<Field> {
    let mut fields = vec![
        text("MasterLabel", "Master Label", 255).required(),
        text("ApiName", "API Name", 255),
        int("SortOrder", "Sort Order", 8),
        flag("IsDefault", "Is Default"),
    ];
    if kind == Kind::LeadStatus {
        fields.push(flag("IsConverted", "Converted"));
        return fields;
    }
    let categories: Vec<&str> = catalogue::STAGES.iter().map(|stage| stage.4).collect();
    fields.extend([
        flag("IsActive", "Is Active"),
        flag("IsClosed", "Closed"),
        flag("IsWon", "Won"),
        super::build::number("DefaultProbability", "Probability (%)", FieldType::Percent, 3, 0),
        pick("ForecastCategory", "Forecast Category", true, None, &categories),
    ]);
    fields
}
