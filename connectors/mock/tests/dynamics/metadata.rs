//! What the service says of its tables, and making columns and keys.

use reqwest::Method;
use serde_json::{Value, json};

use crate::org::{Org, code, id, message};

const CONTACT: &str = "EntityDefinitions(LogicalName='contact')";

fn label(text: &str) -> Value {
    json!({ "@odata.type": "Microsoft.Dynamics.CRM.Label", "LocalizedLabels": [
        { "@odata.type": "Microsoft.Dynamics.CRM.LocalizedLabel", "Label": text, "LanguageCode": 1033 }] })
}

#[tokio::test]
async fn a_table_is_resolved_and_its_columns_are_told() {
    let org = Org::with(1).await;
    let path = "EntityDefinitions?$select=LogicalName,EntitySetName,PrimaryIdAttribute,ChangeTrackingEnabled&$filter=LogicalName eq 'opportunity' or LogicalName eq 'contact'";
    let rows = org.rows(path).await;
    let sets: Vec<_> = rows.iter().map(|row| row["EntitySetName"].as_str().unwrap()).collect();
    assert_eq!(sets, ["contacts", "opportunities"]);
    assert!(rows[0].get("SchemaName").is_none() && rows[0]["ChangeTrackingEnabled"] == true);
    let many: Vec<String> = (0..26).map(|n| format!("LogicalName eq 'x{n}'")).collect();
    let (_, body) = org.get(&format!("EntityDefinitions?$filter={}", many.join(" or "))).await;
    assert_eq!(code(&body), "0x80044183");
    let columns = org.rows(&format!("{CONTACT}/Attributes?$select=LogicalName,AttributeType,AttributeOf")).await;
    let of = |name: &str| columns.iter().find(|row| row["LogicalName"] == name).unwrap();
    assert_eq!(of("birthdate")["AttributeType"], "DateTime");
    assert_eq!(of("parentcustomeridname")["AttributeOf"], "parentcustomerid");
    let (status, body) = org.get(&format!("{CONTACT}/Attributes?$select=MaxLength")).await;
    assert_eq!(status, 400, "{body}");
    let texts = "Attributes/Microsoft.Dynamics.CRM.StringAttributeMetadata?$select=LogicalName,MaxLength";
    let texts = org.rows(&format!("{CONTACT}/{texts}")).await;
    assert!(texts.iter().any(|row| row["LogicalName"] == "jobtitle" && row["MaxLength"] == 100));
    let states = "Attributes/Microsoft.Dynamics.CRM.StatusAttributeMetadata?$select=LogicalName&$expand=OptionSet($select=Options)";
    let states = org.rows(&format!("EntityDefinitions(LogicalName='opportunity')/{states}")).await;
    let options = states[0]["OptionSet"]["Options"].as_array().unwrap();
    let won = options.iter().find(|option| option["Value"] == 3).unwrap();
    assert_eq!((&won["State"], &won["Label"]["UserLocalizedLabel"]["Label"]), (&json!(1), &json!("Won")));
    assert_eq!(org.get(&format!("{CONTACT}/Attributes(LogicalName='new_score')")).await.0, 404);
    let links =
        "ManyToOneRelationships?$select=ReferencingAttribute,ReferencingEntityNavigationPropertyName,ReferencedEntity";
    let links = org.rows(&format!("{CONTACT}/{links}")).await;
    assert!(links.iter().any(|row| row["ReferencingEntityNavigationPropertyName"] == "parentcustomerid_account"));
    let model = org.call(Method::GET, "$metadata?annotations=true").send().await.unwrap().text().await.unwrap();
    assert!(model.contains("<EntityType Name=\"contact\"") && model.contains("Capabilities.V1.ChangeTracking"));
    assert!(model.contains("<Property Name=\"birthdate\" Type=\"Edm.Date\" />"));
}

#[tokio::test]
async fn a_column_is_made_once_under_a_publishers_prefix() {
    let org = Org::with(1).await;
    let body = |schema: &str, kind: &str, more: Value| {
        let mut body = json!({ "@odata.type": format!("Microsoft.Dynamics.CRM.{kind}AttributeMetadata"),
            "SchemaName": schema, "DisplayName": label("A column") });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let path = format!("{CONTACT}/Attributes");
    let score = body("new_CdpScore", "Integer", json!({ "MinValue": 0, "MaxValue": 1000 }));
    let answer = org.call(Method::POST, &path).json(&score).send().await.unwrap();
    assert_eq!(answer.status(), 204);
    assert!(answer.headers()["odata-entityid"].to_str().unwrap().contains("/Attributes("));
    for (column, error) in [
        (score.clone(), "0x80044153"),
        (body("CdpScore", "Integer", json!({})), "0x80044356"),
        (body("other_Score", "Integer", json!({})), "0x80044356"),
        (body("msdyn_Score", "Integer", json!({})), "0x80044356"),
        (body("new_Long", "String", json!({ "MaxLength": 5_000 })), "0x80044363"),
        (body("new_What", "Blob", json!({})), "0x80048d19"),
    ] {
        let (status, answer) = org.post(&path, column.clone()).await;
        assert_eq!((status.as_u16(), code(&answer)), (400, error), "{column} {answer}");
    }
    let made = org.get(&format!("{path}(LogicalName='new_cdpscore')")).await.1;
    assert_eq!((&made["SchemaName"], &made["IsCustomAttribute"]), (&json!("new_CdpScore"), &json!(true)));
    let contact = format!("contacts({})", id('c', 0));
    assert_eq!(org.change(&contact, json!({ "new_cdpscore": 82 })).await.0, 204);
    assert_eq!(code(&org.change(&contact, json!({ "new_cdpscore": 1001 })).await.1), "0x80044330");
    let choice = body(
        "new_Grade",
        "Picklist",
        json!({ "OptionSet": { "IsGlobal": false, "OptionSetType": "Picklist",
        "Options": [{ "Value": 100_000_000, "Label": label("A") }, { "Value": 100_000_001, "Label": label("B") }] } }),
    );
    assert_eq!(org.post(&path, choice).await.0, 204);
    assert_eq!(org.change(&contact, json!({ "new_grade": 100_000_001 })).await.0, 204);
    assert_eq!(code(&org.change(&contact, json!({ "new_grade": "B" })).await.1), "0x80048d19");
    assert_eq!(code(&org.change(&contact, json!({ "new_grade": 5 })).await.1), "0x8004431A");
    let (_, row) =
        org.prefer(&format!("{contact}?$select=new_grade,new_cdpscore"), "odata.include-annotations=\"*\"").await;
    assert_eq!(row["new_grade@OData.Community.Display.V1.FormattedValue"], "B");
    org.config(json!({ "customization_locks": 1 })).await;
    let late = body("new_Late", "Boolean", json!({}));
    assert_eq!(code(&org.post(&path, late.clone()).await.1), "0x80071151");
    assert_eq!(org.post(&path, late).await.0, 204);
    assert_eq!(org.call(Method::PATCH, CONTACT).json(&json!({})).send().await.unwrap().status(), 405);
    let xml = "<importexportxml><entities><entity>contact</entity></entities></importexportxml>";
    assert_eq!(org.post("PublishXml", json!({ "ParameterXml": xml })).await.0, 204);
}

#[tokio::test]
async fn a_key_works_once_its_index_is_built() {
    let org = Org::knobs(1, json!({ "key_build_ms": 60_000 })).await;
    org.rep("property", json!({ "object": "contact", "create": { "name": "new_Key", "type": "string" } })).await;
    let key = json!({ "SchemaName": "new_MyKey", "KeyAttributes": ["new_key"], "DisplayName": label("My key") });
    assert_eq!(org.post(&format!("{CONTACT}/Keys"), key).await.0, 204);
    let path = format!("{CONTACT}/Keys?$select=SchemaName,KeyAttributes,EntityKeyIndexStatus");
    assert_eq!(org.rows(&path).await[0]["EntityKeyIndexStatus"], "Pending");
    assert_eq!(org.patch("contacts(new_key='1')", json!({ "lastname": "x" })).await.0, 400);
    org.config(json!({ "clock_offset_s": 61 })).await;
    assert_eq!(org.rows(&path).await[0]["EntityKeyIndexStatus"], "Active");
    assert_eq!(org.patch("contacts(new_key='1')", json!({ "lastname": "x" })).await.0, 204);
    let wrong = json!({ "SchemaName": "new_Other", "KeyAttributes": ["nothing"] });
    let (_, body) = org.post(&format!("{CONTACT}/Keys"), wrong).await;
    assert!(message(&body).contains("cannot be part of a key"), "{body}");
}
