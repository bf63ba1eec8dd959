//! Tables, columns and keys as the service describes them.

use serde_json::{Map, Value, json};

use super::{attribute_id, entity_id, key_id};
use crate::clock::Millis;
use crate::dynamics::collections;
use crate::dynamics::kind::Kind;
use crate::dynamics::org::Org;
use crate::dynamics::records::ID;
use crate::dynamics::schema::{Choice, Column, ColumnId, Required, Ty};

const ENGLISH: u32 = 1033;

/// A text in the one language the org speaks.
pub fn label(text: &str) -> Value {
    let localized =
        json!({ "Label": text, "LanguageCode": ENGLISH, "IsManaged": false, "MetadataId": null, "HasChanged": null });
    json!({ "LocalizedLabels": [localized], "UserLocalizedLabel": localized })
}

fn managed(value: bool, name: &str) -> Value {
    json!({ "Value": value, "CanBeChanged": true, "ManagedPropertyLogicalName": name })
}

pub fn table(org: &Org, kind: Kind) -> Map<String, Value> {
    let (names, schema) = (kind.names(), org.schema(kind));
    let body = json!({
        "MetadataId": entity_id(kind).to_string(),
        "LogicalName": names.logical,
        "SchemaName": names.schema,
        "EntitySetName": names.set,
        "LogicalCollectionName": names.set,
        "CollectionSchemaName": names.plural.replace(' ', ""),
        "PrimaryIdAttribute": names.id,
        "PrimaryNameAttribute": names.name,
        "ObjectTypeCode": kind as u32 + 1,
        "DisplayName": label(names.label),
        "DisplayCollectionName": label(names.plural),
        "Description": label(""),
        "ChangeTrackingEnabled": schema.tracked,
        "CanChangeTrackingBeEnabled": managed(kind.can_be_tracked(), "canchangetrackingbeenabled"),
        "IsOptimisticConcurrencyEnabled": org.is_optimistic(kind),
        "IsActivity": kind.is_activity() || kind == Kind::ActivityPointer,
        "IsCustomEntity": false,
        "IsCustomizable": managed(true, "iscustomizable"),
        "IsIntersect": false,
        "IsPrivate": false,
        "IsManaged": true,
        "IsLogicalEntity": false,
        "CanCreateAttributes": managed(kind.is_writable(), "cancreateattributes"),
        "OwnershipType": if kind.is_owned() { "UserOwned" } else { "OrganizationOwned" },
        "TableType": "Standard",
        "HasNotes": kind.is_owned(),
        "HasActivities": kind.is_owned(),
    });
    into_map(body)
}

/// Members every column has, whatever its type.
pub const COMMON: [&str; 21] = [
    "MetadataId",
    "LogicalName",
    "SchemaName",
    "AttributeType",
    "AttributeTypeName",
    "AttributeOf",
    "EntityLogicalName",
    "DisplayName",
    "Description",
    "IsValidForRead",
    "IsValidForCreate",
    "IsValidForUpdate",
    "RequiredLevel",
    "IsCustomAttribute",
    "IsPrimaryId",
    "IsPrimaryName",
    "IsLogical",
    "IsSecured",
    "IsManaged",
    "ColumnNumber",
    "IsValidODataAttribute",
];

pub fn column(kind: Kind, id: ColumnId, column: &Column) -> Map<String, Value> {
    let names = kind.names();
    let (plain, typed) = column.ty.names();
    let required = match column.required {
        Required::None => "None",
        Required::Recommended => "Recommended",
        Required::System => "SystemRequired",
    };
    let mut body = into_map(json!({
        "@odata.type": format!("#Microsoft.Dynamics.CRM.{}AttributeMetadata", column.ty.metadata_name()),
        "MetadataId": attribute_id(kind, id).to_string(),
        "LogicalName": &*column.logical,
        "SchemaName": column.schema,
        "AttributeType": plain,
        "AttributeTypeName": { "Value": format!("{typed}Type") },
        "AttributeOf": column.attribute_of,
        "EntityLogicalName": names.logical,
        "DisplayName": label(&column.label),
        "Description": label(""),
        "IsValidForRead": column.read,
        "IsValidForCreate": column.create,
        "IsValidForUpdate": column.update,
        "RequiredLevel": { "Value": required, "CanBeChanged": true, "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings" },
        "IsCustomAttribute": column.custom,
        "IsPrimaryId": id == ID,
        "IsPrimaryName": &*column.logical == names.name,
        "IsLogical": column.attribute_of.is_some(),
        "IsSecured": column.secured,
        "IsManaged": !column.custom,
        "ColumnNumber": id + 1,
        "IsValidODataAttribute": column.is_shown(),
    }));
    body.extend(typed_members(column));
    body
}

/// Members of the column's own type.
fn typed_members(column: &Column) -> Map<String, Value> {
    let number = |decimal: rust_decimal::Decimal| {
        decimal
            .to_string()
            .parse::<i64>()
            .map_or_else(|_| json!(decimal.to_string().parse::<f64>().unwrap_or(0.0)), Value::from)
    };
    let (min, max) = (number(column.min), number(column.max));
    into_map(match column.ty {
        Ty::Text => {
            json!({ "MaxLength": column.max_length, "DatabaseLength": column.max_length * 2, "Format": column.format,
                            "FormatName": { "Value": column.format }, "ImeMode": "Auto" })
        }
        Ty::Memo => {
            json!({ "MaxLength": column.max_length, "Format": column.format, "FormatName": { "Value": column.format } })
        }
        Ty::Int => json!({ "MinValue": min, "MaxValue": max, "Format": "None" }),
        Ty::BigInt => json!({ "MinValue": i64::MIN, "MaxValue": i64::MAX }),
        Ty::Decimal | Ty::Double => json!({ "MinValue": min, "MaxValue": max, "Precision": column.precision }),
        Ty::Money => json!({ "MinValue": min, "MaxValue": max, "Precision": column.precision, "PrecisionSource": 2,
                             "IsBaseCurrency": column.base_of.is_some(), "CalculationOf": column.base_of }),
        Ty::Day | Ty::Instant => json!({ "Format": column.format, "DateTimeBehavior": { "Value": column.behavior } }),
        Ty::Lookup | Ty::Customer | Ty::Owner => {
            let targets: Vec<&str> = column.navs.iter().map(|nav| nav.target.logical()).collect();
            json!({ "Targets": targets, "Format": "None" })
        }
        Ty::Choice | Ty::State | Ty::Status | Ty::MultiChoice => {
            json!({ "DefaultFormValue": column.default.unwrap_or(-1) })
        }
        Ty::Bool => json!({ "DefaultValue": column.default == Some(1) }),
        _ => json!({}),
    })
}

/// What `$expand=OptionSet` shows of a choice.
pub fn option_set(kind: Kind, column: &Column) -> Option<Value> {
    let name = format!("{}_{}", kind.logical(), column.logical);
    let option = |choice: &Choice| {
        let mut body =
            into_map(json!({ "Value": choice.value, "Label": label(&choice.label), "Description": label(""),
                                        "Color": null, "IsManaged": !column.custom, "ExternalValue": "" }));
        match column.ty {
            Ty::State => {
                body.insert("@odata.type".into(), json!("#Microsoft.Dynamics.CRM.StateOptionMetadata"));
                body.insert("InvariantName".into(), json!(choice.label));
            }
            Ty::Status => {
                body.insert("@odata.type".into(), json!("#Microsoft.Dynamics.CRM.StatusOptionMetadata"));
                body.insert("State".into(), json!(choice.state));
            }
            _ => {}
        }
        Value::Object(body)
    };
    let options: Vec<Value> = column.choices.iter().map(option).collect();
    match column.ty {
        Ty::Choice | Ty::State | Ty::Status | Ty::MultiChoice => Some(
            json!({ "Name": name, "IsGlobal": false, "OptionSetType": column.ty.names().1.replace("MultiSelect", ""), "Options": options }),
        ),
        Ty::Bool => {
            let of = |value: i64| column.choice(value).map(option);
            Some(
                json!({ "Name": name, "IsGlobal": false, "OptionSetType": "Boolean", "TrueOption": of(1), "FalseOption": of(0) }),
            )
        }
        _ => None,
    }
}

pub fn key(org: &Org, kind: Kind, at: usize, now: Millis) -> Option<Map<String, Value>> {
    let schema = org.schema(kind);
    let key = schema.keys.get(at)?;
    let columns: Vec<&str> = key.columns.iter().filter_map(|column| Some(&*schema.get(*column)?.logical)).collect();
    Some(into_map(json!({
        "MetadataId": key_id(kind, at).to_string(),
        "SchemaName": key.schema,
        "LogicalName": key.schema.to_lowercase(),
        "EntityLogicalName": kind.logical(),
        "DisplayName": label(&key.label),
        "KeyAttributes": columns,
        "EntityKeyIndexStatus": if key.active_at <= now { "Active" } else { "Pending" },
        "IsCustomizable": managed(true, "iscustomizable"),
        "IsManaged": false,
    })))
}

/// Lookups of the table, with the exact names that write and follow them.
pub fn relationships(org: &Org, kind: Kind) -> Vec<Map<String, Value>> {
    let schema = org.schema(kind);
    let mut all = Vec::new();
    for (_, column) in schema.columns().filter(|(_, column)| column.ty.is_lookup()) {
        for nav in &column.navs {
            let target = nav.target.names();
            let back = collections::ALL
                .into_iter()
                .find(|link| link.parent == nav.target && link.child == kind && link.column == &*column.logical);
            let name = back.map_or_else(|| format!("{}_{}", target.logical, nav.name), |link| link.nav.to_owned());
            all.push(into_map(json!({
                "SchemaName": name,
                "RelationshipType": "OneToManyRelationship",
                "ReferencedEntity": target.logical,
                "ReferencedAttribute": target.id,
                "ReferencingEntity": kind.logical(),
                "ReferencingAttribute": &*column.logical,
                "ReferencingEntityNavigationPropertyName": nav.name,
                "ReferencedEntityNavigationPropertyName": name,
                "IsCustomRelationship": column.custom,
            })));
        }
    }
    all
}

pub fn into_map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
