//! A Salesforce connection as people write it, right and wrong.

use connector::{Object, Secret};

use super::{parsed, valid};
use crate::config::ClientId;
use crate::config::vendor::{SalesforceFlow, SalesforceSettings, VendorSettings};
use crate::model::{Direction, Rule};

const HEAD: &str = r#"preset = "b2b"
[[crm]]
name = "sf"
type = "salesforce"
"#;

const LOGIN: &str = "login_url = \"https://acme.my.salesforce.com/\"\n";

fn own(lines: &str) -> SalesforceSettings {
    let settings = valid(&format!("{HEAD}{LOGIN}{lines}"));
    let VendorSettings::Salesforce(own) = settings.connections[0].vendor.clone() else { panic!("{settings:?}") };
    own
}

const SECRET: &str = "client_id = { env = \"ID\" }\nclient_secret = { env = \"SECRET\" }\n";

/// One problem as `code line:column message | help`.
fn problems(lines: &str) -> Vec<String> {
    let Err(failure) = parsed(&format!("{HEAD}{lines}")) else { return Vec::new() };
    let shown = |problem: &crate::config::Diagnostic| {
        let at = problem.place.as_ref().unwrap().position();
        let help = problem.help.as_deref().unwrap_or_default();
        format!("{} {}:{} {} | {help}", problem.code, at.line, at.column, problem.message)
    };
    failure.errors.iter().map(shown).collect()
}

#[test]
fn the_secret_of_an_app_is_all_it_takes() {
    let own = own(SECRET);
    assert_eq!(own.login_url, "https://acme.my.salesforce.com");
    assert_eq!((own.base_url, own.api_version.as_str()), (None, "67.0"));
    assert_eq!((own.bulk_pull_above, own.bulk_push_above), (50_000, 2_000));
    assert_eq!((own.overlap.as_secs(), own.lag.as_secs()), (600, 60));
    let flow = SalesforceFlow::ClientCredentials {
        client_id: ClientId::Kept(Secret::Env("ID".into())),
        client_secret: Secret::Env("SECRET".into()),
    };
    assert_eq!(own.flow, flow);
}

#[test]
fn each_flow_reads_its_own_keys() {
    let jwt = own(
        "flow = \"jwt\"\nclient_id = \"key\"\nusername = \"ferry@acme.example\"\nprivate_key = { file = \"sf.pem\" }
audience = \"https://test.salesforce.com\"\napi_version = \"65.0\"\nbulk_push_above = 10\noverlap = \"0s\"\nbase_url = \"http://127.0.0.1:7201\"\n",
    );
    assert_eq!((jwt.base_url.as_deref(), jwt.api_version.as_str()), (Some("http://127.0.0.1:7201"), "65.0"));
    assert_eq!((jwt.bulk_push_above, jwt.overlap.as_secs()), (10, 0));
    assert_eq!(jwt.secrets(), [&Secret::File("conf/sf.pem".into())]);
    let flow = SalesforceFlow::Jwt {
        client_id: ClientId::Written("key".into()),
        username: "ferry@acme.example".into(),
        private_key: Secret::File("conf/sf.pem".into()),
        audience: Some("https://test.salesforce.com".into()),
    };
    assert_eq!(jwt.flow, flow);
    let refresh = own("flow = \"refresh_token\"\nclient_id = \"key\"\nrefresh_token = { env = \"R\" }\n");
    assert_eq!(refresh.secrets(), [&Secret::Env("R".into())]);
}

#[test]
fn the_preset_maps_people_as_contacts_and_as_leads() {
    let settings = valid(&format!("{HEAD}{LOGIN}{SECRET}[crm.fields.lead]\nlanguage = \"Language__c\"\n"));
    let connection = &settings.connections[0];
    let objects: Vec<&str> = connection.objects.iter().map(|mapping| mapping.object.as_str()).collect();
    assert_eq!(objects, ["contact", "lead", "company", "deal"]);
    let line = |object: &Object, name: &str| {
        let mapping = connection.object(object).unwrap().of_attribute(name).unwrap();
        (mapping.field.to_string(), mapping.direction, mapping.rule)
    };
    for object in [Object::Contact, Object::Lead] {
        assert_eq!(line(&object, "email"), ("Email".into(), Direction::Both, Rule::CrmWins));
        assert_eq!(line(&object, "visits_30d"), ("CDP_Visits_30d__c".into(), Direction::Push, Rule::CdpWins));
        let key = connection.object(&object).unwrap().key_field();
        assert_eq!(key.map(|name| &**name), Some("CDP_Profile_Id__c"));
    }
    assert_eq!(line(&Object::Contact, "country").0, "MailingCountry");
    assert_eq!(line(&Object::Lead, "country").0, "Country");
    assert_eq!(line(&Object::Lead, "company.name"), ("Company".into(), Direction::Pull, Rule::CrmWins));
    assert_eq!(line(&Object::Lead, "language").1, Direction::Both);
    assert!(connection.object(&Object::Contact).unwrap().of_attribute("language").is_none());
}

/// To TOML a dotted key is a table in a table.
#[test]
fn a_leads_company_is_a_dotted_trait_in_any_spelling() {
    for line in [
        "company.name = \"Firm__c\"",
        "\"company.name\" = \"Firm__c\"",
        "company = { name = { field = \"Firm__c\", direction = \"pull\" } }",
    ] {
        let settings = valid(&format!("{HEAD}{LOGIN}{SECRET}[crm.fields.lead]\n{line}\n"));
        let lead = settings.connections[0].object(&Object::Lead).unwrap();
        assert_eq!(&*lead.of_attribute("company.name").unwrap().field, "Firm__c", "{line}");
    }
}

#[test]
fn every_mistake_says_what_to_write_instead() {
    let from_5 = |lines: &str| problems(&format!("{LOGIN}{lines}"));
    assert_eq!(
        problems(SECRET),
        [
            "E012 2:1 `login_url` is required for type \"salesforce\" | `login_url = \"https://YOUR-DOMAIN.my.salesforce.com\"`"
        ]
    );
    assert_eq!(
        from_5("client_id = \"key\""),
        ["E012 2:1 `client_secret` is required for flow \"client_credentials\" of type \"salesforce\" | \
          `client_secret = { env = \"SALESFORCE_CLIENT_SECRET\" }`"]
    );
    assert_eq!(
        from_5("flow = \"jwt\"\nclient_id = \"key\"\nprivate_key = { env = \"K\" }"),
        ["E012 6:8 `username` is required for flow \"jwt\" of type \"salesforce\" | \
          `username = \"integration@acme.example\"`"]
    );
    assert_eq!(
        from_5(&format!("{SECRET}private_key = {{ env = \"K\" }}")),
        ["E012 8:1 `private_key` is not for flow \"client_credentials\" in `[[crm]]` \"sf\" | \
          remove it, or set flow = \"jwt\""]
    );
    assert_eq!(
        from_5("flow = \"jwt\"\nclient_id = \"key\"\nusername = \"a\"\nprivate_key = \"-----BEGIN PRIVATE KEY-----\"")
            [0]
        .split(" | ")
        .next(),
        Some("E020 9:15 `private_key` looks like a secret written in the file")
    );
    assert_eq!(
        from_5(&format!("{SECRET}flow = \"client-credentials\"")),
        ["E006 8:8 flow \"client-credentials\" is not valid | one of: client_credentials, jwt, refresh_token"]
    );
    assert_eq!(
        from_5(&format!("{SECRET}api_version = \"v67\"")),
        ["E006 8:15 api_version \"v67\" is not valid | a version of the API from \"50.0\" on, like \"67.0\""]
    );
    assert_eq!(
        problems(&format!("login_url = \"https://login.salesforce.com\"\n{SECRET}")),
        ["E013 5:13 `login_url` must be the org's own address for flow \"client_credentials\", not \
          login.salesforce.com | `login_url = \"https://YOUR-DOMAIN.my.salesforce.com\"`"]
    );
    assert_eq!(
        problems(&format!("login_url = \"https://acme.lightning.force.com\"\n{SECRET}")),
        ["E013 5:13 `login_url` is the address of the pages people see, not of the API | \
          `login_url = \"https://YOUR-DOMAIN.my.salesforce.com\"`"]
    );
    assert_eq!(
        problems(&format!("login_url = \"http://acme.my.salesforce.com\"\n{SECRET}"))[0].split(" | ").next(),
        Some("E013 5:13 `login_url` must be https, or http to a loopback address")
    );
    assert_eq!(
        from_5(&format!("{SECRET}token = {{ env = \"T\" }}"))[0].split(" | ").next(),
        Some("E003 8:1 unknown key `token` in `[[crm]]` \"sf\"")
    );
    assert_eq!(
        from_5(&format!("{SECRET}[crm.fields.lead]\ncompany.nmae = \"Company\""))[0].split(" | ").next(),
        Some("E030 9:9 unknown trait \"company.nmae\" in `[crm.fields.lead]`")
    );
    assert_eq!(
        from_5(&format!("{SECRET}create = {{ company = \"known\" }}"))[0].split(" | ").next(),
        Some("E008 8:12 `company` in `[crm.create]` is not in this version")
    );
}

#[test]
fn the_order_of_matching_names_the_vendors_own_key() {
    let with = |line: &str| problems(&format!("{LOGIN}{SECRET}match = {{ {line} }}"));
    assert_eq!(with("lead = [\"link\", \"CDP_Profile_Id__c\", \"email\"]"), Vec::<String>::new());
    let [refused] = with("contact = [\"link\", \"cdp_profile_id\", \"email\"]").try_into().unwrap();
    assert!(refused.starts_with("E008 8:21 another order of `contact`"), "{refused}");
}
