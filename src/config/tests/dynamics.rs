//! A Dynamics connection as people write it, right and wrong.

use connector::{Object, Secret};

use super::{parsed, valid};
use crate::config::ClientId;
use crate::config::vendor::{DynamicsCredential, DynamicsSettings, VendorSettings};
use crate::model::{Direction, Rule};

const HEAD: &str = r#"preset = "b2b"
[[crm]]
name = "d365"
type = "dynamics"
"#;

const ORG: &str = "base_url = \"https://acme.crm4.dynamics.com/\"\ntenant = \"acme.onmicrosoft.com\"\n";
const SECRET: &str = "client_id = { env = \"ID\" }\nclient_secret = { env = \"SECRET\" }\n";

fn own(lines: &str) -> DynamicsSettings {
    let settings = valid(&format!("{HEAD}{lines}"));
    let VendorSettings::Dynamics(own) = settings.connections[0].vendor.clone() else { panic!("{settings:?}") };
    own
}

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
fn an_organisation_a_tenant_and_a_secret_are_all_it_takes() {
    let own = own(&format!("{ORG}{SECRET}"));
    assert_eq!(own.base_url, "https://acme.crm4.dynamics.com");
    assert_eq!(own.token_url, "https://login.microsoftonline.com/acme.onmicrosoft.com/oauth2/v2.0/token");
    assert_eq!(own.client_id, ClientId::Kept(Secret::Env("ID".into())));
    assert_eq!(own.credential, DynamicsCredential::Secret(Secret::Env("SECRET".into())));
    assert_eq!((own.publisher_prefix.as_str(), own.write_mode, own.ca_file.clone()), ("new", "auto", None));
    assert_eq!((own.change_tracking, own.duplicate_detection, own.overlap.as_secs()), (true, false, 300));
    assert_eq!(own.secrets(), [&Secret::Env("SECRET".into())]);
}

#[test]
fn everything_else_can_be_said() {
    let own = own("base_url = \"http://127.0.0.1:7203\"\ntoken_url = \"http://127.0.0.1:7203/t/oauth2/v2.0/token\"\n\
         client_id = \"app\"\ncertificate = { file = \"d.crt\" }\nprivate_key = { file = \"d.pem\" }\nca_file = \"ca.pem\"\n\
         publisher_prefix = \"Acme_\"\nwrite_mode = \"batch\"\nchange_tracking = false\nduplicate_detection = true\noverlap = \"10m\"\n");
    assert_eq!(own.token_url, "http://127.0.0.1:7203/t/oauth2/v2.0/token");
    let (certificate, private_key) = (Secret::File("conf/d.crt".into()), Secret::File("conf/d.pem".into()));
    assert_eq!(own.secrets(), [&certificate, &private_key]);
    assert_eq!(own.ca_file, Some("conf/ca.pem".into()));
    assert_eq!((own.publisher_prefix.as_str(), own.write_mode), ("acme", "batch"));
    assert_eq!((own.change_tracking, own.duplicate_detection, own.overlap.as_secs()), (false, true, 600));
}

#[test]
fn the_presets_own_columns_carry_the_publishers_prefix() {
    let lines = |more: &str| valid(&format!("{HEAD}{ORG}{SECRET}{more}"));
    for (more, prefix) in [("", "new"), ("publisher_prefix = \"acme\"\n", "acme")] {
        let settings = lines(&format!(
            "{more}match = {{ lead = [\"link\", \"{prefix}_cdp_profile_id\", \"email\"] }}\n[crm.fields.lead]\nlanguage = \"{prefix}_language\"\n"
        ));
        let connection = &settings.connections[0];
        let line = |object: &Object, name: &str| {
            let mapping = connection.object(object).unwrap().of_attribute(name).unwrap();
            (mapping.field.to_string(), mapping.direction, mapping.rule)
        };
        for object in [Object::Contact, Object::Lead] {
            assert_eq!(line(&object, "email"), ("emailaddress1".into(), Direction::Both, Rule::CrmWins));
            let visits = (format!("{prefix}_cdp_visits_30d"), Direction::Push, Rule::CdpWins);
            assert_eq!(line(&object, "visits_30d"), visits);
            let key = connection.object(&object).unwrap().key_field().map(ToString::to_string);
            assert_eq!(key, Some(format!("{prefix}_cdp_profile_id")));
        }
        assert_eq!(line(&Object::Lead, "company.name"), ("companyname".into(), Direction::Pull, Rule::CrmWins));
        assert_eq!(line(&Object::Company, "website").0, "websiteurl");
    }
}

#[test]
fn every_mistake_says_what_to_write_instead() {
    let with = |lines: &str| problems(&format!("{ORG}{SECRET}{lines}"));
    assert_eq!(with(""), Vec::<String>::new());
    assert_eq!(
        problems(&format!("tenant = \"t\"\n{SECRET}")),
        ["E012 2:1 `base_url` is required for type \"dynamics\" | `base_url = \"https://YOUR-ORG.crm.dynamics.com\"`"]
    );
    assert_eq!(
        problems(&format!("base_url = \"https://acme.crm4.dynamics.com\"\n{SECRET}")),
        ["E012 2:1 `tenant` is required for type \"dynamics\" | `tenant = \"YOUR-TENANT-ID\"`"]
    );
    assert_eq!(
        with("token_url = \"https://login.microsoftonline.us/other/oauth2/v2.0/token\""),
        ["E012 6:1 `token_url` is not of the `tenant` in `[[crm]]` \"d365\" | \
          remove `tenant`: `token_url` alone says where tokens come from"]
    );
    assert_eq!(
        with("token_url = \"https://login.microsoftonline.us/acme.onmicrosoft.com/oauth2/v2.0/token\""),
        Vec::<String>::new()
    );
    assert_eq!(
        with("certificate = { file = \"c\" }"),
        ["E012 9:1 `client_secret` and `certificate` are both set in `[[crm]]` \"d365\" | \
          choose one: `client_secret`, or `certificate` and `private_key`"]
    );
    assert_eq!(
        problems(&format!("{ORG}client_id = \"a\"\nprivate_key = {{ file = \"c\" }}")),
        ["E012 8:1 `certificate` is required beside `private_key` for type \"dynamics\" | \
          `certificate = { file = \"secrets/dynamics.pem\" }`"]
    );
    assert_eq!(
        problems(&format!("{ORG}client_id = \"a\"")),
        ["E012 2:1 `client_secret` is required for type \"dynamics\" | \
          `client_secret = { env = \"DYNAMICS_CLIENT_SECRET\" }`, or `certificate` and `private_key`"]
    );
    assert_eq!(
        with("publisher_prefix = \"my_own\""),
        ["E006 9:20 \"my_own\" is not a publisher's prefix | \
          2 to 8 letters and digits, like \"new\": Power Apps shows it with the publisher of a solution"]
    );
    assert_eq!(
        with("write_mode = \"bulky\""),
        ["E006 9:14 write_mode \"bulky\" is not valid | one of: auto, bulk, batch, single"]
    );
    let portal = format!("base_url = \"https://make.powerapps.com\"\ntenant = \"t\"\n{SECRET}");
    assert_eq!(
        problems(&portal),
        ["E013 5:12 `base_url` is not the organisation's own address, but make.powerapps.com | \
          `base_url = \"https://YOUR-ORG.crm.dynamics.com\"`"]
    );
    let tenant = format!("base_url = \"https://acme.crm4.dynamics.com\"\ntenant = \"a/b\"\n{SECRET}");
    assert!(problems(&tenant)[0].starts_with("E006 6:10 \"a/b\" is not a tenant"));
    assert!(with("login_url = \"https://x.example\"")[0].starts_with("E003 9:1 unknown key `login_url`"));
}
