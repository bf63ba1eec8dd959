//! Letting the integration user see a field: a permission set of our own, the field in it, and the user in it. Each is
//! looked for before it is made, so that a second time changes nothing.

use connector::{Error, ErrorKind};
use connector_http::{Call, Priority, Repeat};
use http::HeaderValue;
use serde::{Deserialize, Serialize};

use crate::answer::refused_call;
use crate::api::{Api, decode, json};
use crate::dialect::CALL;
use crate::ids;
use crate::ingest::our_user;
use crate::refusal::told;
use crate::soql::{Comparison, Condition, Field, Literal, Query};

const SET_NAME: &str = "CDP_Sync";
const SET_LABEL: &str = "CDP Sync";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Set {
    name: &'static str,
    label: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FieldPermission<'a> {
    parent_id: &'a str,
    sobject_type: &'a str,
    field: &'a str,
    permissions_read: bool,
    permissions_edit: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Assignment<'a> {
    assignee_id: &'a str,
    permission_set_id: &'a str,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Found {
    records: Vec<FoundRow>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FoundRow {
    #[serde(rename = "Id", alias = "id")]
    id: String,
}

/// Lets our user read and edit the field, through the permission set `CDP_Sync`.
pub(crate) async fn grant(api: &Api, attempted: &str, sobject: &str, field: &str) -> Result<(), Error> {
    let user = our_user(api).await?;
    let by_name = vec![equal("Name", SET_NAME)];
    let set = match find(api, attempted, "PermissionSet", by_name.clone()).await? {
        Some(set) => set,
        None => {
            let made = make(api, attempted, "PermissionSet", &Set { name: SET_NAME, label: SET_LABEL }).await?;
            match made {
                Some(set) => set,
                // Somebody else has just made it.
                None => find(api, attempted, "PermissionSet", by_name).await?.ok_or_else(|| {
                    Error::new(
                        ErrorKind::Protocol,
                        attempted,
                        "Salesforce says that CDP_Sync exists and does not show it",
                    )
                })?,
            }
        }
    };
    let full_name = format!("{sobject}.{field}");
    let granted = vec![equal("ParentId", &set), equal("Field", &full_name), edits()];
    if find(api, attempted, "FieldPermissions", granted).await?.is_none() {
        let permission = FieldPermission {
            parent_id: &set,
            sobject_type: sobject,
            field: &full_name,
            permissions_read: true,
            permissions_edit: true,
        };
        make(api, attempted, "FieldPermissions", &permission).await?;
    }
    let assigned = vec![equal("AssigneeId", user), equal("PermissionSetId", &set)];
    if find(api, attempted, "PermissionSetAssignment", assigned).await?.is_none() {
        let assignment = Assignment { assignee_id: user, permission_set_id: &set };
        make(api, attempted, "PermissionSetAssignment", &assignment).await?;
    }
    Ok(())
}

fn equal(field: &'static str, value: &str) -> Condition {
    Field::from(field).is(Comparison::Equal, Literal::text(value))
}

fn edits() -> Condition {
    Field::from("PermissionsEdit").is(Comparison::Equal, Literal::Bool(true))
}

async fn find(api: &Api, attempted: &str, sobject: &str, conditions: Vec<Condition>) -> Result<Option<String>, Error> {
    let query = Query::select(vec!["Id".into()], sobject)?.filter(Condition::All(conditions)).limit(1);
    let call = Call::get(attempted, api.paths.query(&query.text(), false), CALL).with_priority(Priority::Push);
    let found: Found = api.ask(&call, decode).await.map_err(without_rights)?;
    Ok(found.records.into_iter().find_map(|row| ids::long(&row.id)))
}

/// The new row's id; `None` where there is one already.
async fn make(api: &Api, attempted: &str, sobject: &str, body: &impl Serialize) -> Result<Option<String>, Error> {
    let body = json(attempted, body)?;
    let call = Call::write(attempted, api.paths.sobject(sobject), body, CALL)
        .with_repeat(Repeat::Safe)
        .with_header("sforce-call-options", HeaderValue::from_static("client=ferry"));
    match api.client.fetch(&call, |answer| told(answer, decode::<FoundRow>)).await? {
        Ok(row) => Ok(ids::long(&row.id)),
        Err(refusal) if refusal.code.starts_with("DUPLICATE_") => Ok(None),
        Err(refusal) => Err(without_rights(refused_call(attempted, &refusal))),
    }
}

fn without_rights(error: Error) -> Error {
    let fix = "give the integration user \"Manage Profiles and Permission Sets\" while fields are made, or grant the \
               field to it by hand";
    match error.kind {
        ErrorKind::Forbidden | ErrorKind::Config => Error { kind: ErrorKind::Forbidden, ..error }.with_fix(fix),
        _ => error,
    }
}
